import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "./browser.ts";
import { type Stage, setStage } from "./stage.ts";

let stage: Stage;

describe.skipIf(!hasBrowser())("10,000 jobs and 10,000 nodes", () => {
  beforeAll(async () => {
    stage = await setStage({ jobs: 10_000, nodes: 10_000 }, 18_920);
  });
  afterAll(async () => {
    await stage.close();
    expect(stage.errors).toEqual([]);
  });

  it.each([
    ["/jobs", "Jobs"],
    ["/nodes", "Nodes"],
  ])("%s holds only the rows in view, to the very last one", async (path, label) => {
    const started = performance.now();
    const page = await stage.open(path);
    const rows = page.locator(".grid-row");
    await rows.first().waitFor({ timeout: 60_000 });
    const shownMs = Math.round(performance.now() - started);
    expect(await page.getByRole("table", { name: label }).getAttribute("aria-rowcount")).toBe("10001");
    expect(await rows.count()).toBeLessThan(60);
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await page.locator('[aria-rowindex="10001"]').waitFor();
    expect(await rows.count()).toBeLessThan(60);
    await page.evaluate(() => window.scrollTo(0, 0));
    const filter = page.getByRole("searchbox").nth(1);
    const typed = performance.now();
    await filter.fill("zzzzzz");
    await page.getByText(/No (job|node) matches/).waitFor();
    const filteredMs = Math.round(performance.now() - typed);
    process.stdout.write(`${path}: rows after ${shownMs} ms, filtered after ${filteredMs} ms\n`);
    expect(filteredMs).toBeLessThan(3_000);
    await page.close();
  });
});
