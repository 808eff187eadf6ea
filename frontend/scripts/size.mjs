/** Fails where the bundle that users load, gzipped as well as gzip can, is over its budget. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 95_000;
const bundle = new URL("../../tb_activations/static/index.js", import.meta.url);

const whole = readFileSync(bundle);
const bytes = gzipSync(whole, { level: 9 }).length;
const kilobytes = (count) => `${(count / 1000).toFixed(1)} KB`;
const said = `${kilobytes(bytes)} gzipped, of at most ${kilobytes(BUDGET)}`;
console.log(`tb_activations/static/index.js: ${kilobytes(whole.length)}, ${said}`);
if (bytes > BUDGET) process.exitCode = 1;
