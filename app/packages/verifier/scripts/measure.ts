/**
 * Sizes of the module, and how long Node takes to verify the job in a folder: `npm run measure -- FOLDER [ROUNDS]`.
 *
 * `cargo xtask wasm --measure` makes the folder and compares with the same work natively. The last line is JSON.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { compileModule, toHex, Verifier } from "../src/index.js";
import { readModule } from "../src/node.js";

const [folder, rounds = "5"] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder of a job: graph, params, inputs, symbols, boundary_root");

const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
const text = (name: string): string => readFileSync(join(folder, name), "utf8");
const [graph, params, inputs] = [file("graph"), file("params"), file("inputs")];
const symbols = text("symbols").split(",").map(Number);
const bytes = await readModule();

const compiled = performance.now();
const module = await compileModule(bytes);
const compileMilliseconds = performance.now() - compiled;

let milliseconds = Number.POSITIVE_INFINITY;
for (let round = 0; round < Number(rounds); round += 1) {
  const begun = performance.now();
  const work = Verifier.of(module).open(graph, symbols);
  work.giveParams(params);
  work.giveInputs(inputs);
  while (!work.advance(work.graph.points).finished);
  const root = toHex(work.result().boundaryRoot);
  milliseconds = Math.min(milliseconds, performance.now() - begun);
  if (root !== text("boundary_root"))
    throw new Error(`the boundary root is ${root}, natively ${text("boundary_root")}`);
}

const figures = {
  bytes: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes).length,
  compileMilliseconds: Math.round(compileMilliseconds * 100) / 100,
  milliseconds: Math.round(milliseconds * 100) / 100,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
