/** Figures of the whole market, from the jobs and nodes that exist. */
import { type Job, JobState } from "@assay/client/generated";
import type { Address } from "@solana/kit";
import type { Row } from "../data/kinds.ts";
import type { JobLine } from "./job-line.ts";
import { sameBytes } from "./keys.ts";
import type { NodeLine } from "./node-line.ts";

/** Prices that nodes took. */
export interface PriceSample {
  readonly jobs: number;
  readonly low: bigint;
  readonly median: bigint;
  readonly high: bigint;
}

/** The prices of the newest claimed jobs in a mint, of one graph where given; `undefined` without any. */
export function recentPrices(
  rows: readonly JobLine[],
  mint: Address,
  graphRoot?: Job["graphRoot"],
  most = 50,
): PriceSample | undefined {
  const prices = rows
    .map(({ data }) => data)
    .filter((job) => job.claimedSlot > 0n && job.priceMax > 0n && job.paymentMint === mint)
    .filter((job) => graphRoot === undefined || sameBytes(job.graphRoot, graphRoot))
    .sort((a, b) => (a.claimedSlot < b.claimedSlot ? 1 : -1))
    .slice(0, most)
    .map((job) => job.price)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (prices.length === 0) return undefined;
  return { jobs: prices.length, low: quantile(prices, 10), median: quantile(prices, 50), high: quantile(prices, 90) };
}

/** What to offer, from what was taken: from the median up to a fifth above what nearly all took. */
export function suggestPrice(sample: PriceSample): { readonly minimum: bigint; readonly maximum: bigint } {
  const maximum = (sample.high * 12n + 9n) / 10n;
  return { minimum: sample.median, maximum: maximum > sample.median ? maximum : sample.median };
}

/** One bar of a chart over time. */
export interface Bucket {
  readonly firstSlot: bigint;
  readonly committed: number;
  readonly convicted: number;
}

/** How many results were committed in each of `buckets` equal lengths of time before `now`, of the jobs that still exist. */
export function throughput(rows: readonly JobLine[], now: bigint, slots: bigint, buckets: number): readonly Bucket[] {
  const length = slots / BigInt(buckets) || 1n;
  const start = now - length * BigInt(buckets) + 1n;
  const bars = Array.from({ length: buckets }, (_, index) => ({
    firstSlot: start + length * BigInt(index),
    committed: 0,
    convicted: 0,
  }));
  for (const { data } of rows) {
    if (data.committedSlot < start || data.committedSlot > now || data.committedSlot === 0n) continue;
    const bar = bars[Number((data.committedSlot - start) / length)];
    if (bar === undefined) continue;
    if (data.state === JobState.Convicted) bar.convicted += 1;
    else bar.committed += 1;
  }
  return bars;
}

/** What all nodes have at stake. */
export interface StakeFigures {
  readonly nodes: number;
  readonly stake: bigint;
  readonly locked: bigint;
  readonly convicted: number;
}

/** Sums over all nodes. */
export function stakeFigures(rows: readonly NodeLine[]): StakeFigures {
  let [stake, locked, convicted] = [0n, 0n, 0];
  for (const { data } of rows) {
    stake += data.stake;
    locked += data.locked;
    if (data.fraudConvictions > 0) convicted += 1;
  }
  return { nodes: rows.length, stake, locked, convicted };
}

/** A model that was used in the market: what a job needs to use it again. */
export interface KnownModel {
  readonly key: string;
  readonly graphRoot: Job["graphRoot"];
  readonly paramsRoot: Job["paramsRoot"];
  readonly latest: Row<"job">;
  readonly jobs: number;
}

/** Every pair of graph and weights that jobs of the market used, the most used first. */
export function knownModels(rows: readonly Row<"job">[]): readonly KnownModel[] {
  const models = new Map<string, { latest: Row<"job">; jobs: number }>();
  for (const row of rows) {
    if (row.data.priceMax === 0n) continue;
    const key = `${row.data.graphRoot.join(".")}/${row.data.paramsRoot.join(".")}`;
    const known = models.get(key);
    if (known === undefined) models.set(key, { latest: row, jobs: 1 });
    else {
      known.jobs += 1;
      if (row.data.postedSlot > known.latest.data.postedSlot) known.latest = row;
    }
  }
  return [...models]
    .map(([key, { latest, jobs }]) => ({
      key,
      graphRoot: latest.data.graphRoot,
      paramsRoot: latest.data.paramsRoot,
      latest,
      jobs,
    }))
    .sort((a, b) => b.jobs - a.jobs);
}

function quantile(sorted: readonly bigint[], percent: number): bigint {
  const index = Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100));
  return sorted[index] ?? 0n;
}
