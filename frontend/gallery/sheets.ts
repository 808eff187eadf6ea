/** The dashboard's style sheets in the order in which its entry point adopts them. */
import entry from "../src/index.tsx?raw";

const texts = import.meta.glob<string>("../src/**/*.css", {
  query: "?inline",
  import: "default",
  eager: true,
});

/** Read out of `index.tsx`, so that the gallery is not another list that may differ. */
export function sheets(): readonly string[] {
  const paths = new Map(
    [...entry.matchAll(/import (\w+) from "\.\/(.+\.css)\?inline"/g)].map(
      ([, name, path]) => [name!, `../src/${path}`] as const,
    ),
  );
  const adopted = entry.match(/adoptStyles\(\[([^\]]*)\]/)?.[1]?.match(/\w+/g) ?? [];
  if (adopted.length === 0) throw new Error("index.tsx adopts no style sheets");
  return adopted.map((name) => texts[paths.get(name) ?? ""] ?? fail(name));
}

function fail(name: string): never {
  throw new Error(`index.tsx adopts ${name}, which it does not import`);
}
