/** Writes `src/data/generated/layouts.ts` from the interface description of the program: `npm run layouts`. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { renderLayouts } from "./render-layouts.ts";

const source = fileURLToPath(new URL("../../idl/assay.json", import.meta.url));
const target = fileURLToPath(new URL("../src/data/generated/layouts.ts", import.meta.url));
await writeFile(target, renderLayouts(JSON.parse(await readFile(source, "utf8"))));
