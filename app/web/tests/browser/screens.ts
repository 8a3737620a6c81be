/** `npx tsx tests/browser/screens.ts FOLDER [NAME…]`: pictures of every page, light, dark and on a phone, over a generated market. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "@assay/localnet";
import type { BrowserContextOptions } from "playwright-core";
import { kindOf } from "../../src/data/kinds.ts";
import { IndexFixture } from "../fixture/index-server.ts";
import { generateMarket, type Market } from "../fixture/market.ts";
import { FixtureServer } from "../fixture/server.ts";
import { openBrowser } from "./browser.ts";
import { settled } from "./settled.ts";
import { serveApp } from "./static-server.ts";

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: {
    colorScheme: "light",
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
};

function pages(market: Market, index: IndexFixture): Readonly<Record<string, string>> {
  const [node] = [...market.accounts.keys()].slice(3);
  return {
    overview: "/",
    jobs: "/jobs",
    job: `/jobs/${market.disputedJob}`,
    convicted: `/jobs/${market.convictedJob}`,
    closed: `/jobs/${index.closedJobs[7]}`,
    nodes: "/nodes",
    node: `/nodes/${node}`,
    disputes: "/disputes",
    dispute: `/disputes/${market.disputedJob}`,
    proved: `/disputes/${market.convictedJob}`,
    sessions: "/sessions",
    session: `/sessions/${[...market.accounts].find(([, bytes]) => kindOf(bytes) === "session")?.[0]}`,
    "open-session": "/sessions/new",
    post: "/post",
    stake: "/stake",
    budgets: "/budgets",
    governance: "/governance",
    stories: "/stories",
  };
}

const [folder = "screens", ...wanted] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const market = await generateMarket({ jobs: 2_000, nodes: 240 });
const fixture = await FixtureServer.start(market, await freePorts(2));
const index = await IndexFixture.start(market, () => fixture.slot);
const app = await serveApp();
for (const [look, options] of Object.entries(LOOKS)) {
  const { context, close } = await openBrowser(options);
  const page = await context.newPage();
  for (const [name, path] of Object.entries(pages(market, index))) {
    const picture = `${name}-${look}`;
    if (wanted.length > 0 && !wanted.some((one) => picture.includes(one))) continue;
    await page.goto(`${app.url}${path}?${new URLSearchParams({ rpc: fixture.url, index: index.url })}`);
    // The stories show skeletons on purpose.
    if (name === "stories") await page.waitForTimeout(1_000);
    else await settled(page);
    await page.screenshot({
      path: join(folder, `${picture}.png`),
      fullPage: name === "stories" || !["jobs", "nodes"].includes(name),
    });
  }
  await close();
}
await app.stop();
await index.stop();
await fixture.stop();
