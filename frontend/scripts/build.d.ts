/** The version of the scripts that were built together, by `versioned.ts`. */
declare const BUILD: string;
