/** When a page can be looked at. */
import type { Page } from "playwright-core";

/** Waits until nothing is a skeleton any more. */
export async function loaded(page: Page): Promise<void> {
  await page.waitForSelector("h1");
  await page.waitForFunction(() => document.querySelector(".skeleton") === null, undefined, { timeout: 30_000 });
}

/** Waits until nothing moves any more, either: for pictures. */
export async function settled(page: Page): Promise<void> {
  await loaded(page);
  await page.waitForTimeout(1_000);
}
