/** When a page can be photographed. */
import type { Page } from "playwright-core";

/** Waits until nothing is a skeleton any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector("h1");
  await page
    .waitForFunction(() => document.querySelector(".skeleton") === null, undefined, { timeout: 30_000 })
    .catch(() => {});
  await page.waitForTimeout(1_000);
}
