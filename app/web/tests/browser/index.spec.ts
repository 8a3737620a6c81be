import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KINDS, kindOf } from "../../src/data/kinds.ts";
import { hasBrowser } from "./browser.ts";
import { type Stage, setStage } from "./stage.ts";

let stage: Stage;
const rows = (page: Page) => page.locator(".grid-row");
const status = (page: Page, text: string) => page.getByRole("status").filter({ hasText: text });

describe.skipIf(!hasBrowser())("a market with an index", () => {
  beforeAll(async () => {
    stage = await setStage({ jobs: 400, nodes: 60 });
  });
  afterAll(async () => {
    await stage.close();
    expect(stage.errors).toEqual([]);
  });

  it("shows its lists while the endpoint is away, says who tells them, and goes back to accounts", async () => {
    stage.fixture.setOffline(true);
    const page = await stage.openIndexed("/jobs");
    await rows(page).first().waitFor();
    await page.getByText("from the index").first().waitFor();
    await page.getByText("400 of 400 that exist on-chain.").waitFor();
    stage.fixture.setOffline(false);
    await page.getByRole("button", { name: "Try now" }).click();
    await page.getByText("from accounts").first().waitFor();
    await page.getByText("400 of 400 that exist on-chain.").waitFor();
    await page.close();
  });

  it("remembers jobs that were closed, with all that happened to them", async () => {
    const page = await stage.openIndexed("/jobs");
    await page.getByText("from accounts").first().waitFor();
    await page.getByRole("button", { name: /^Closed too/ }).click();
    await page.getByText("700 of 700 that exist on-chain or were closed.").waitFor();
    const [closed] = stage.index.closedJobs;
    await page.getByRole("searchbox").first().fill(`${closed}`);
    await page.keyboard.press("Enter");
    await page.getByText("The account of this job is gone.").waitFor();
    await page.getByText("The account was closed.").waitFor();
    await page.getByText("The job ended: settled.").waitFor();
    expect(await page.getByRole("button", { name: /Verify/ }).count()).toBe(0);
    await page.close();
  });

  it("says that nobody knows a job where the index does not, either", async () => {
    const page = await stage.openIndexed(`/jobs/${stage.market.client}`);
    await page.getByText("The index never saw it, either.").waitFor();
    await page.close();
    const alone = await stage.open(`/jobs/${stage.index.closedJobs[0]}`);
    await alone.getByText("Closed jobs are remembered by an index; none is set for this endpoint.").waitFor();
    await alone.close();
  });

  it("draws a node's reputation with its reasons, and goes on as things happen", async () => {
    const [node] = [...stage.market.accounts].find(([, bytes]) => kindOf(bytes) === "node") ?? [];
    if (node === undefined) throw new Error("There is no node.");
    const page = await stage.openIndexed(`/nodes/${node}`);
    await page.getByRole("img", { name: /^The reputation over \d+ changes/ }).waitFor();
    await page.getByText("a claim ended without a result").first().waitFor();
    await page.getByText("Could claim").waitFor();
    const fields = { before: 100, after: 6_500, good: "1", bad: "0", reasons: ["misses_weighed"] };
    stage.index.record("node", node, "node_reputation", fields);
    await page.getByText("earlier misses were weighed when it spoke again").first().waitFor();
    await page.close();
  });

  it("counts what happened over days, and tells what happens now", async () => {
    const page = await stage.openIndexed("/");
    await page.getByRole("img", { name: /jobs settled and \d+ were convicted in the last 24 hours/ }).waitFor();
    await page.getByLabel("Time").selectOption("168");
    await page.getByRole("img", { name: /in the last 168 hours/ }).waitFor();
    const [job] = [...stage.market.accounts].find(([, bytes]) => kindOf(bytes) === "job") ?? [];
    if (job === undefined) throw new Error("There is no job.");
    stage.index.record("job", job, "job_accepted", {});
    await page.getByText("The client accepted the result early.").waitFor();
    await page.close();
  });

  it("says that the index is away, falls back to what the endpoint has, and comes back", async () => {
    const bytes = stage.market.accounts.get(stage.market.disputedJob ?? stage.market.client);
    if (bytes === undefined) throw new Error("There is no disputed job.");
    expect(KINDS.job.read(bytes).state).toBeDefined();
    const page = await stage.openIndexed(`/jobs/${stage.market.disputedJob}`);
    await page.getByText("The node committed to a result.").waitFor();
    stage.index.setAway(true);
    await status(page, "The index is away").waitFor();
    await page.getByText("The endpoint remembers no transaction of it.").waitFor();
    stage.index.setAway(false);
    await page.getByRole("button", { name: "Ask again" }).click();
    await page.getByText("The node committed to a result.").waitFor();
    expect(await status(page, "The index is away").count()).toBe(0);
    await page.close();
  });

  it("says that the index is behind, and does not take its rows for the market", async () => {
    stage.index.faults.behindSlots = 900n;
    const page = await stage.openIndexed("/jobs");
    await status(page, "slots behind").waitFor();
    await page.getByText("from accounts").first().waitFor();
    stage.index.faults.behindSlots = 0n;
    await expect.poll(() => status(page, "slots behind").count()).toBe(0);
    await page.close();
  });

  it("is set beside the endpoint, and kept for that endpoint alone", async () => {
    const page = await stage.open("/jobs");
    await rows(page).first().waitFor();
    await page.getByTitle("Change the endpoint or the index").click();
    const dialog = page.getByRole("dialog");
    const field = dialog.getByLabel("URL of an index, if there is one");
    await field.fill("here");
    await dialog.getByText("This is not a URL.", { exact: false }).waitFor();
    expect(await dialog.getByRole("button", { name: "Use these" }).isDisabled()).toBe(true);
    await field.fill(stage.index.url);
    await dialog.getByRole("button", { name: "Use these" }).click();
    await page.getByRole("button", { name: /^Closed too/ }).waitFor();
    expect(new URL(page.url()).searchParams.get("index")).toBeNull();
    const kept = await page.evaluate(() => localStorage.getItem("assay.indexes"));
    expect(JSON.parse(kept ?? "{}")).toEqual({ [`${stage.fixture.url}/`]: stage.index.url });
    await page.evaluate(() => localStorage.clear());
    await page.close();
  });
});
