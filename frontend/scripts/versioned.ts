/**
 * What the first script fetches later is asked for with the digest of all scripts: a page never
 * mixes the scripts of two versions, since the server answers for its own alone, and a browser may
 * keep them.
 */
import { createHash } from "node:crypto";
import type { Plugin } from "vite";

/** Stands for the digest until all else is known; what digests the scripts puts it back. */
export const BUILD = "@@@@@@@@@@@@";

export function versioned(): Plugin {
  return {
    name: "versioned",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
      const entry = chunks.find((one) => one.isEntry);
      const later = chunks.filter((one) => one !== entry);
      if (!entry || later.length === 0) this.error("no script that is fetched later");
      for (const { fileName } of later) {
        const asked = `import("./${fileName}")`;
        if (entry.code.split(asked).length !== 2) this.error(`${asked} stands there not once`);
        entry.code = entry.code.replace(asked, `import("./${fileName}?v=${BUILD}")`);
      }
      const digest = createHash("sha256");
      for (const { code } of [entry, ...later]) digest.update(code);
      entry.code = entry.code.replaceAll(BUILD, digest.digest("hex").slice(0, BUILD.length));
    },
  };
}
