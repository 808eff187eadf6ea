/** Builds, or serves, the gallery: a page of its own, beside the bundle and never in it. */
import { defineConfig } from "vite";
import { ramps } from "../scripts/ramps.ts";
import { BUILD } from "../scripts/versioned.ts";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [ramps()],
  define: { BUILD: JSON.stringify(BUILD) },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", outDir: "dist", emptyOutDir: true, modulePreload: false },
  server: { host: "127.0.0.1" },
});
