/** Tests that need the module: skipped by name where it is not built, failed where it must be. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import type { VerifierError } from "../src/index.js";
import { MODULE_URL } from "../src/node.js";

const built = existsSync(fileURLToPath(MODULE_URL));
if (!built && process.env.ASSAY_REQUIRE_WASM !== undefined) {
  throw new Error(`${MODULE_URL.pathname} is not built, and ASSAY_REQUIRE_WASM is set; run: cargo xtask wasm`);
}

if (!built) {
  process.stderr.write("NOT TESTED: what needs the module, because it is not built; run: cargo xtask wasm\n");
}

/** As `describe`, for tests that need the module. */
export function describeWithModule(name: string, tests: () => void): void {
  if (built) describe(name, tests);
  else describe.skip(name, tests);
}

/** The code of the error that an act ends with; `none` if it ends well. */
export async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return "none";
  } catch (error) {
    return (error as VerifierError).code ?? `${String(error)} has no code`;
  }
}
