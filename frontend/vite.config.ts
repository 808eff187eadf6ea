/**
 * Builds the dashboard into `tb_activations/static`: `index.js`, an ES module which TensorBoard loads,
 * and `more.js`, which that loads when what few open is first opened.
 */
import { defineConfig } from "vitest/config";
import { ramps } from "./scripts/ramps.ts";
import { smaller } from "./scripts/smaller.ts";
import { BUILD, versioned } from "./scripts/versioned.ts";

export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [ramps(), smaller(), versioned()],
  define: { BUILD: JSON.stringify(BUILD) },
  // `h(type, props, ...children)` is shorter than the automatic `jsx(type, { children: [...] })`.
  oxc: {
    jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" },
    jsxInject: 'import { Fragment, h } from "preact"',
  },
  build: {
    target: "es2022",
    // None of the stylesheets uses `light-dark()`: no stand-in for it.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    outDir: "../tb_activations/static",
    emptyOutDir: false,
    modulePreload: false,
    reportCompressedSize: true,
    // As a library, into which no helper for stylesheets and preloads of an import() is put.
    lib: { entry: "src/index.tsx", formats: ["es"] },
    rollupOptions: {
      // What both need stands in the first of them.
      preserveEntrySignatures: "allow-extension",
      output: { entryFileNames: "index.js", chunkFileNames: "[name].js" },
    },
  },
  // A limit ends what hangs; it says nothing about how fast a machine is.
  test: { include: ["src/**/*.test.{ts,tsx}"], testTimeout: 120_000 },
});
