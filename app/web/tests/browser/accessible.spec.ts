import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kindOf } from "../../src/data/kinds.ts";
import { hasBrowser } from "./browser.ts";
import { loaded } from "./settled.ts";
import { type Stage, setStage } from "./stage.ts";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The one page that shows skeletons for good. */
const STORIES = "/stories";

interface Violation {
  readonly id: string;
  readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary?: string }>;
}

/** What axe finds, in a line each. In the second theme only colours differ. */
async function violations(page: Page, colorsOnly: boolean): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const run = colorsOnly
    ? "axe.run(document, { runOnly: ['color-contrast'] })"
    : "axe.run(document, { resultTypes: ['violations'] })";
  const found = (await page.evaluate(run)) as { violations: readonly Violation[] };
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary ?? ""}`),
  );
}

const pages = (stage: Stage): readonly string[] => {
  const nodes = [...stage.market.accounts.keys()];
  const [session] = [...stage.market.accounts].find(([, bytes]) => kindOf(bytes) === "session") ?? [];
  return [
    "/",
    "/jobs",
    `/jobs/${stage.market.disputedJob}`,
    `/jobs/${stage.market.convictedJob}`,
    `/jobs/${stage.index.closedJobs[0]}`,
    "/nodes",
    `/nodes/${nodes[3]}`,
    "/disputes",
    `/disputes/${stage.market.disputedJob}`,
    `/disputes/${stage.market.convictedJob}`,
    "/sessions",
    `/sessions/${session}`,
    "/sessions/new",
    "/post",
    "/stake",
    "/budgets",
    "/governance",
    STORIES,
    "/nothing-here",
  ];
};

describe.skipIf(!hasBrowser())("every page", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage({ jobs: 120, nodes: 30 }, { colorScheme: "light" });
  });
  afterAll(async () => {
    await stage.close();
    expect(stage.errors).toEqual([]);
  });

  it("can be used by everybody, as far as axe can tell, in light and in dark", { timeout: 600_000 }, async () => {
    const all: Record<string, readonly string[]> = {};
    for (const path of pages(stage)) {
      const page = await stage.openIndexed(path);
      if (path !== STORIES) await loaded(page);
      const light = await violations(page, false);
      await page.evaluate(async () => {
        document.documentElement.dataset.theme = "dark";
        // Colours change over some time, and what inherits them a moment later.
        for (;;) {
          const changes = document.getAnimations().filter((change) => change instanceof CSSTransition);
          if (changes.length === 0) return;
          await Promise.allSettled(changes.map(({ finished }) => finished));
        }
      });
      const found = [...light, ...(await violations(page, true))];
      if (found.length > 0) all[path] = found;
      await page.close();
    }
    expect(all).toEqual({});
  });
});

describe.skipIf(!hasBrowser())("on a phone", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage(
      { jobs: 120, nodes: 30 },
      {
        viewport: { width: 390, height: 844 },
        isMobile: true,
        hasTouch: true,
      },
    );
  });
  afterAll(() => stage.close());

  it("no page is wider than the screen", { timeout: 300_000 }, async () => {
    const wide: string[] = [];
    for (const path of pages(stage)) {
      const page = await stage.openIndexed(path);
      if (path !== STORIES) await loaded(page);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > 390) wide.push(`${path}: ${width}`);
      await page.close();
    }
    expect(wide).toEqual([]);
  });
});
