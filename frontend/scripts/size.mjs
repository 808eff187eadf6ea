/** Fails where the script that the page loads, gzipped as well as gzip can, is over its budget. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 95_000;
const FIRST = "index.js";
const LATER = ["more.js"];
const folder = new URL("../../tb_activations/static/", import.meta.url);

const kilobytes = (count) => `${(count / 1000).toFixed(1)} KB`;
const sizes = [FIRST, ...LATER].map((name) => {
  const whole = readFileSync(new URL(name, folder));
  return { name, bytes: whole.length, gzipped: gzipSync(whole, { level: 9 }).length };
});
for (const { name, bytes, gzipped } of sizes) {
  const when = name === FIRST ? `of at most ${kilobytes(BUDGET)}` : "fetched later";
  console.log(
    `tb_activations/static/${name}: ${kilobytes(bytes)}, ${kilobytes(gzipped)} gzipped, ${when}`,
  );
}
const all = sizes.reduce((sum, { gzipped }) => sum + gzipped, 0);
console.log(`in all: ${kilobytes(all)} gzipped`);
if (sizes[0].gzipped > BUDGET) process.exitCode = 1;
