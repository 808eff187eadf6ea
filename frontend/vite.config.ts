/** Builds the dashboard to one self-contained ES module, `tb_activations/static/index.js`. */
import { defineConfig } from "vitest/config";
import { ramps } from "./scripts/ramps.ts";
import { smaller } from "./scripts/smaller.ts";

export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [ramps(), smaller()],
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
    rollupOptions: {
      input: "src/index.tsx",
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "index.js", codeSplitting: false },
    },
  },
  // A limit ends what hangs; it says nothing about how fast a machine is.
  test: { include: ["src/**/*.test.{ts,tsx}"], testTimeout: 120_000 },
});
