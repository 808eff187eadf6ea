/** Builds the dashboard to one self-contained ES module, `tb_activations/static/index.js`. */
import { defineConfig } from "vitest/config";
import { ramps } from "./scripts/ramps.ts";

export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [ramps()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
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
