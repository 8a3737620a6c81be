/** The package as a bundler builds it, in Debian's Chromium: the module, the worker and the page's own thread. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PageServer, servePage } from "./page-server.js";
import { VERIFICATIONS } from "./vectors.js";
import { describeWithModule } from "./with-module.js";

const CHROMIUM = process.env.ASSAY_CHROMIUM ?? "/usr/bin/chromium";
const present = existsSync(CHROMIUM);
if (!present && process.env.ASSAY_REQUIRE_CHROMIUM !== undefined) {
  throw new Error(`${CHROMIUM} is not there, and ASSAY_REQUIRE_CHROMIUM is set; run: apt-get install chromium`);
}

if (!present) process.stderr.write(`NOT TESTED: the package in a browser, because there is no ${CHROMIUM}\n`);

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PAGE = fileURLToPath(new URL("./page", import.meta.url));
const MILLISECONDS = 180_000;

describeWithModule("in Chromium", () => {
  let folder: string;
  let server: PageServer;
  let browser: ChildProcess | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "assay-verifier-"));
    const outDir = join(folder, "page");
    const worker = { format: "es" } as const;
    await build({ root: PAGE, base: "./", logLevel: "error", build: { outDir, target: "es2022" }, worker });
    server = await servePage(outDir);
  }, MILLISECONDS);

  afterAll(async () => {
    if (browser !== undefined) {
      const ended = once(browser, "exit");
      browser.kill();
      await ended;
    }
    server.close();
    // Its children write to the profile for a moment longer.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });

  test.skipIf(!present)(
    "results, lies, one element and an abort",
    async () => {
      const profile = `--user-data-dir=${join(folder, "profile")}`;
      browser = spawn(CHROMIUM, [...ARGUMENTS, profile, server.address], { stdio: "ignore" });
      const results = VERIFICATIONS.map(({ name, difference: { slot, element } }) => [
        name,
        { right: "right", wrong: "wrong", difference: { slot, element }, progress: true },
      ]);
      expect(await server.report).toEqual({ ...Object.fromEntries(results), aborted: "enough", element: "wrong" });
    },
    MILLISECONDS,
  );
});
