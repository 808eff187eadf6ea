/** Made when the bundle is built, by `ramps.ts`. */
declare module "virtual:ramps" {
  export const viridis: string;
  export const magma: string;
  export const inferno: string;
  export const redBlue: string;
}
