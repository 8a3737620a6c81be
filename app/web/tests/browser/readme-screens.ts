/** `npm run screens`: the pictures of docs/screens over a generated market; those of the localnet's own are made by its test. */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "@assay/localnet";
import type { BrowserContextOptions } from "playwright-core";
import { IndexFixture } from "../fixture/index-server.ts";
import { generateMarket } from "../fixture/market.ts";
import { FixtureServer } from "../fixture/server.ts";
import { openBrowser } from "./browser.ts";
import { settled } from "./settled.ts";
import { serveApp } from "./static-server.ts";

/** A picture in a repository is fetched by everybody who clones it. */
const MOST_BYTES = 150_000;

const [folder = "../../docs/screens"] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const market = await generateMarket({ jobs: 2_000, nodes: 240 });
const fixture = await FixtureServer.start(market, await freePorts(2));
const index = await IndexFixture.start(market, () => fixture.slot);
const app = await serveApp();
const [, , , node] = market.accounts.keys();

const desk: BrowserContextOptions = { viewport: { width: 1_280, height: 860 } };
const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 1.5,
  isMobile: true,
  hasTouch: true,
};
const SHOTS: ReadonlyArray<readonly [string, string, BrowserContextOptions]> = [
  ["overview-light", "/", { ...desk, colorScheme: "light" }],
  ["overview-dark", "/", { ...desk, colorScheme: "dark" }],
  ["node", `/nodes/${node}`, { ...desk, colorScheme: "light" }],
  ["dispute", `/disputes/${market.disputedJob}`, { ...desk, colorScheme: "dark" }],
  ["phone", "/jobs", { ...phone, colorScheme: "light" }],
];
for (const [name, path, options] of SHOTS) {
  const { context, close } = await openBrowser(options);
  const page = await context.newPage();
  await page.goto(`${app.url}${path}?${new URLSearchParams({ rpc: fixture.url, index: index.url })}`);
  await settled(page);
  const file = join(folder, `${name}.jpg`);
  await page.screenshot({ path: file, type: "jpeg", quality: 82 });
  await close();
  const { size } = await stat(file);
  process.stdout.write(`${file}: ${size} bytes\n`);
  if (size > MOST_BYTES) throw new Error(`${file} has ${size} bytes, more than ${MOST_BYTES}: make it smaller.`);
}
await app.stop();
await index.stop();
await fixture.stop();
