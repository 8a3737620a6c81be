/** A fixture, the built app and a browser, for one file of tests. */

import { freePorts } from "@assay/localnet";
import type { BrowserContextOptions, Page } from "playwright-core";
import { IndexFixture } from "../fixture/index-server.ts";
import { generateMarket, type Market, type MarketSize } from "../fixture/market.ts";
import { FixtureServer } from "../fixture/server.ts";
import { openBrowser } from "./browser.ts";
import { serveApp } from "./static-server.ts";

/** What a test works with. */
export interface Stage {
  readonly market: Market;
  readonly fixture: FixtureServer;
  /** The index beside the endpoint; pages use it where `open` is told so. */
  readonly index: IndexFixture;
  /** Opens a path of the app in a new page, on the fixture. Errors that nobody caught fail the test at its end. */
  open(path: string, prepare?: (page: Page) => Promise<void>): Promise<Page>;
  /** The same with the index. */
  openIndexed(path: string, prepare?: (page: Page) => Promise<void>): Promise<Page>;
  /** Errors of all pages so far. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

/** Sets everything up. */
export async function setStage(size: MarketSize, options: BrowserContextOptions = {}): Promise<Stage> {
  const market = await generateMarket(size);
  const fixture = await FixtureServer.start(market, await freePorts(2));
  const index = await IndexFixture.start(market, () => fixture.slot);
  const app = await serveApp();
  const browser = await openBrowser(options);
  const errors: string[] = [];
  const open = async (path: string, indexUrl: string, prepare?: (page: Page) => Promise<void>) => {
    const page = await browser.context.newPage();
    page.on("pageerror", (error) => errors.push(`${path}: ${error.message}`));
    await prepare?.(page);
    const url = new URL(path, app.url);
    url.searchParams.set("rpc", fixture.url);
    url.searchParams.set("index", indexUrl);
    await page.goto(url.href);
    await page.waitForSelector("h1");
    return page;
  };
  return {
    market,
    fixture,
    index,
    errors,
    open: (path, prepare) => open(path, "none", prepare),
    openIndexed: (path, prepare) => open(path, index.url, prepare),
    async close() {
      await browser.close();
      await app.stop();
      await index.stop();
      await fixture.stop();
    },
  };
}
