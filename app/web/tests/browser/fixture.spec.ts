import { getJobDecoder, getJobEncoder, JobState } from "@assay/client";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "./browser.ts";
import { type Stage, setStage } from "./stage.ts";

let stage: Stage;
const rows = (page: Page) => page.locator(".grid-row");
const count = (page: Page, name: string) =>
  page
    .getByRole("link", { name: new RegExp(`^${name}`) })
    .first()
    .locator(".count");

describe.skipIf(!hasBrowser())("a market in a browser", () => {
  beforeAll(async () => {
    stage = await setStage({ jobs: 400, nodes: 60 });
  });
  afterAll(async () => {
    await stage.close();
    expect(stage.errors).toEqual([]);
  });

  it("shows what happens as it happens", async () => {
    const { disputedJob } = stage.market;
    if (disputedJob === undefined) throw new Error("There is no disputed job.");
    const page = await stage.open(`/jobs/${disputedJob}`);
    await page.locator(".page-head .badge", { hasText: "In window" }).waitFor();
    const bytes = stage.market.accounts.get(disputedJob);
    if (bytes === undefined) throw new Error("The job has no account.");
    const job = getJobDecoder().decode(bytes);
    stage.fixture.set(
      disputedJob,
      getJobEncoder().encode({ ...job, state: JobState.Settled, record: { ...job.record, challengesOpen: 0 } }),
    );
    await page.locator(".page-head .badge", { hasText: "Settled" }).waitFor();
    stage.fixture.set(disputedJob, undefined);
    await page.getByText("There is no job at this address").waitFor();
    stage.fixture.set(disputedJob, bytes);
    await page.locator(".page-head .badge", { hasText: "In window" }).waitFor();
    await page.close();
  });

  it("stays readable while the endpoint is away, says so, and catches up when it is back", async () => {
    const page = await stage.open("/jobs");
    await rows(page).first().waitFor();
    await expect.poll(() => count(page, "Jobs").textContent()).toBe("400");
    stage.fixture.setOffline(true);
    await page.getByRole("alert").filter({ hasText: "The endpoint is away" }).waitFor();
    expect(await rows(page).count()).toBeGreaterThan(5);
    const [gone] = [...stage.market.accounts].find(([, bytes]) => bytes.length > 800) ?? [];
    if (gone === undefined) throw new Error("There is no job.");
    const bytes = stage.market.accounts.get(gone);
    stage.market.accounts.delete(gone);
    stage.fixture.setOffline(false);
    await page.getByRole("button", { name: "Try now" }).click();
    await page.getByText("Live", { exact: false }).first().waitFor();
    await expect.poll(() => count(page, "Jobs").textContent()).toBe("399");
    await expect.poll(() => page.getByRole("alert").count()).toBe(0);
    if (bytes !== undefined) stage.fixture.set(gone, bytes);
    await page.close();
  });

  it("says that nothing could be loaded where the endpoint never answered", async () => {
    stage.fixture.setOffline(true);
    const page = await stage.open("/nodes");
    await page.getByText("The nodes could not be loaded").waitFor();
    // While the endpoint is still away: once it is back, the app may be faster than a finger.
    const asked = page.waitForRequest((request) => request.url().startsWith(stage.fixture.url));
    await page.getByRole("button", { name: "Try again" }).click();
    await asked;
    stage.fixture.setOffline(false);
    await rows(page).first().waitFor();
    await page.close();
  });

  it("polls an endpoint that cannot tell of changes", async () => {
    stage.fixture.faults.withoutSubscriptions = true;
    const page = await stage.open("/nodes");
    await page.getByText("Polling").waitFor();
    await rows(page).first().waitFor();
    stage.fixture.faults.withoutSubscriptions = false;
    await page.close();
  });

  it("is filtered, found and walked through without a mouse", async () => {
    const page = await stage.open("/jobs");
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: /^Settled/ }).click();
    await expect.poll(() => rows(page).first().textContent()).toContain("Settled");
    expect(page.url()).toContain(`state=${JobState.Settled}`);
    await rows(page).first().locator(".row-link").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const focused = () =>
      page.evaluate(() => document.activeElement?.closest('[role="row"]')?.getAttribute("aria-rowindex"));
    await expect.poll(focused).toBe("4");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: /^Job / }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("not an address");
    await page.keyboard.press("Enter");
    await page.getByText("Not an address").waitFor();
    await page.close();
  });

  it("gives every address away whole", async () => {
    const page = await stage.open(`/jobs/${stage.market.disputedJob}`);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy address of the job" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(stage.market.disputedJob);
    const naked = await page.evaluate(
      () =>
        [...document.querySelectorAll("dd, td, .grid-row")].filter(
          (cell) =>
            /[1-9A-HJ-NP-Za-km-z]{4}\u2026[1-9A-HJ-NP-Za-km-z]{5}/.test(cell.textContent ?? "") &&
            cell.querySelector(".copy") === null,
        ).length,
    );
    expect(naked).toBe(0);
    await page.close();
  });
});
