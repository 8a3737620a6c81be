/** The example of the README as it is: what it says of an honest result and of a lie. */
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { hasLocalnet, Localnet } from "@assay/localnet";
import { MODULE_URL } from "@assay/verifier/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

/** Whether the verifier's module is built; an error where ASSAY_REQUIRE_WASM says that it has to be. */
function hasModule(): boolean {
  const present = existsSync(fileURLToPath(MODULE_URL));
  if (!present && process.env.ASSAY_REQUIRE_WASM !== undefined)
    throw new Error(`${MODULE_URL.pathname} is not built, and ASSAY_REQUIRE_WASM is set; run: cargo xtask wasm`);
  if (!present)
    process.stderr.write("NOT TESTED: the example, because the verifier is not built; run: cargo xtask wasm\n");
  return present;
}

describe.skipIf(!hasLocalnet() || !hasModule())("the example", () => {
  let localnet: Localnet;
  let honest: Awaited<ReturnType<Localnet["addNode"]>>;

  beforeAll(async () => {
    localnet = await Localnet.start(2);
    honest = await localnet.addNode(0);
    writeFileSync(localnet.file("example.json"), JSON.stringify(localnet.ready));
  }, 600_000);
  afterAll(() => localnet?.stop());

  function runExample(): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
    const files = [localnet.file("example.json"), dirname(localnet.digits)];
    const run = spawn("npx", ["tsx", "examples/post-and-verify.ts", ...files, "digits", "16"], {
      cwd: PACKAGE,
      env: { ...process.env, ASSAY_STORE: localnet.storeUrl },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    run.stdout.on("data", (chunk) => (out += chunk));
    run.stderr.on("data", (chunk) => (err += chunk));
    return new Promise((resolve, reject) => {
      run.once("error", reject);
      run.once("close", (code) => resolve({ code, out, err }));
    });
  }

  test("an honest result is right, because it was recomputed", async () => {
    const { code, out, err } = await runExample();
    expect(`${out}${err}`).toMatch(
      /^posted \w+\nright: all \d+ tensors that \w+ committed to .*; 704 bytes for \d+\n$/,
    );
    expect(code).toBe(0);
  }, 600_000);

  test("a lie is called one, though its bytes lead to the root that its node committed to", async () => {
    const ended = new Promise((resolve) => honest.once("exit", resolve));
    honest.kill("SIGTERM");
    await ended;
    await localnet.addNode(1, "element:element=5,bit=3");
    const { code, out, err } = await runExample();
    expect(`${out}${err}`).toMatch(
      /^posted \w+\nWRONG: recomputed here, element \d+ of tensor \d+ is -?\d+, not -?\d+; /,
    );
    expect(code).toBe(1);
  }, 600_000);
});
