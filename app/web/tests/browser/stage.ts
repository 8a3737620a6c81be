/** A fixture, the built app and a browser, for one file of tests. */
import type { BrowserContextOptions, Page } from "playwright-core";
import { generateMarket, type Market, type MarketSize } from "../fixture/market.ts";
import { FixtureServer } from "../fixture/server.ts";
import { openBrowser } from "./browser.ts";
import { serveApp } from "./static-server.ts";

/** What a test works with. */
export interface Stage {
  readonly market: Market;
  readonly fixture: FixtureServer;
  /** Opens a path of the app in a new page, on the fixture. Errors that nobody caught fail the test at its end. */
  open(path: string, prepare?: (page: Page) => Promise<void>): Promise<Page>;
  /** Errors of all pages so far. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

/** Sets everything up; the port of the fixture is the one after which its websocket lies. */
export async function setStage(size: MarketSize, port: number, options: BrowserContextOptions = {}): Promise<Stage> {
  const market = await generateMarket(size);
  const fixture = await FixtureServer.start(market, port);
  const app = await serveApp();
  const browser = await openBrowser(options);
  const errors: string[] = [];
  return {
    market,
    fixture,
    errors,
    async open(path, prepare) {
      const page = await browser.context.newPage();
      page.on("pageerror", (error) => errors.push(`${path}: ${error.message}`));
      await prepare?.(page);
      const url = new URL(path, app.url);
      url.searchParams.set("rpc", fixture.url);
      await page.goto(url.href);
      await page.waitForSelector("h1");
      return page;
    },
    async close() {
      await browser.close();
      await app.stop();
      await fixture.stop();
    },
  };
}
