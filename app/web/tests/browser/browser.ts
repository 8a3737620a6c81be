/** Debian's Chromium under Playwright, with nothing that reaches for the network by itself. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";

const EXECUTABLE = process.env.ASSAY_CHROMIUM ?? "/usr/bin/chromium";

/** Whether there is a Chromium to test with; an error where ASSAY_REQUIRE_CHROMIUM says that there has to be. */
export function hasBrowser(): boolean {
  const present = existsSync(EXECUTABLE);
  if (!present && process.env.ASSAY_REQUIRE_CHROMIUM !== undefined) {
    throw new Error(`${EXECUTABLE} is not there, and ASSAY_REQUIRE_CHROMIUM is set; run: apt-get install chromium`);
  }
  if (!present) process.stderr.write(`NOT TESTED: the app in a browser, because there is no ${EXECUTABLE}\n`);
  return present;
}

/** A browser with an empty profile of its own. */
export async function openBrowser(
  options: BrowserContextOptions = {},
): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), "assay-web-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  return {
    context,
    async close() {
      await context.close();
      // Its children write to the profile for a moment longer.
      await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
