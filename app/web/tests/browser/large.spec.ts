import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePorts } from "@assay/localnet";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, openBrowser } from "./browser.ts";
import { serveApp } from "./static-server.ts";

let fixture: ChildProcess;
/** Of the endpoint; its websocket and the index are on the next ones. */
let port: number;
let app: Awaited<ReturnType<typeof serveApp>>;
let browser: Awaited<ReturnType<typeof openBrowser>>;
const errors: string[] = [];

/** A market in a process of its own: writing ten thousand accounts as JSON is not the page's work, nor this test's. */
async function startFixture(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--import", "tsx", "tests/fixture/main.ts", "10000", "10000", `${port}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  expect(String(line)).toContain("10000 jobs and 10000 nodes");
  return child;
}

async function open(path: string, index: string): Promise<Page> {
  const page = await browser.context.newPage();
  page.on("pageerror", (error) => errors.push(`${path}: ${error.message}`));
  const url = new URL(path, app.url);
  url.searchParams.set("rpc", `http://127.0.0.1:${port}`);
  url.searchParams.set("index", index);
  await page.goto(url.href);
  return page;
}

/** How long the page's own thread has worked, in milliseconds: whatever else keeps the machine busy is not in it. */
async function pageWork(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1_000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN);
  };
}

const since = (started: number) => Math.round(performance.now() - started);

describe.skipIf(!hasBrowser())("10,000 jobs and 10,000 nodes", () => {
  beforeAll(async () => {
    port = await freePorts(3);
    [fixture, app, browser] = await Promise.all([startFixture(), serveApp(), openBrowser()]);
    // What a browser does once is not measured.
    const first = await open("/more", "none");
    await first.waitForSelector("h1");
    await first.close();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    fixture?.kill();
    expect(errors).toEqual([]);
  });

  it.each([
    ["/jobs", "Jobs"],
    ["/nodes", "Nodes"],
  ])("%s is there sooner with an index, and becomes the accounts' own list", async (path, label) => {
    const started = performance.now();
    const page = await open(path, `http://127.0.0.1:${port + 2}`);
    await page.getByText("from the index").first().waitFor({ timeout: 60_000 });
    await page.locator(".grid-row").first().waitFor();
    const shownMs = since(started);
    await page.getByText("from accounts").first().waitFor({ timeout: 60_000 });
    const accountsMs = since(started);
    expect(await page.getByRole("table", { name: label }).getAttribute("aria-rowcount")).toBe("10001");
    process.stdout.write(`${path} with an index: rows after ${shownMs} ms, accounts after ${accountsMs} ms\n`);
    await page.close();
  });

  it.each([
    ["/jobs", "Jobs"],
    ["/nodes", "Nodes"],
  ])("%s holds only the rows in view, to the very last one", async (path, label) => {
    const started = performance.now();
    const page = await open(path, "none");
    const rows = page.locator(".grid-row");
    await rows.first().waitFor({ timeout: 60_000 });
    const shownMs = since(started);
    expect(await page.getByRole("table", { name: label }).getAttribute("aria-rowcount")).toBe("10001");
    expect(await rows.count()).toBeLessThan(60);
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await page.locator('[aria-rowindex="10001"]').waitFor();
    expect(await rows.count()).toBeLessThan(60);
    await page.evaluate(() => window.scrollTo(0, 0));
    const filter = page.getByRole("searchbox").nth(1);
    const work = await pageWork(page);
    const typed = performance.now();
    const before = await work();
    await filter.fill("zzzzzz");
    await page.getByText(/No (job|node) matches/).waitFor();
    const filteredMs = since(typed);
    const workMs = Math.round((await work()) - before);
    process.stdout.write(`${path}: rows after ${shownMs} ms, filtered after ${filteredMs} ms, ${workMs} ms of work\n`);
    expect(workMs).toBeLessThan(1_500);
    await page.close();
  });
});
