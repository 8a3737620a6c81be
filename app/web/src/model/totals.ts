/** Totals over time, from the hours that an index counts: pure. */
import type { IndexHour } from "../data/history-index/shape.ts";
import type { Bucket } from "./market.ts";

const HOUR_SECONDS = 3_600;

/** A bar for each of the last `hours` hours, the oldest first; hours in which nothing happened are empty. */
export function hourBars(counted: readonly IndexHour[], hours: number, nowSeconds: number): readonly Bucket[] {
  const thisHour = Math.floor(nowSeconds / HOUR_SECONDS) * HOUR_SECONDS;
  const known = new Map(counted.map((hour) => [hour.beginsAt, hour]));
  return Array.from({ length: hours }, (_, index) => {
    const begins = thisHour - (hours - 1 - index) * HOUR_SECONDS;
    const hour = known.get(begins);
    return { firstSlot: BigInt(begins), committed: hour?.settled ?? 0, convicted: hour?.convicted ?? 0 };
  });
}

/** Sums over hours. */
export type Totals = Omit<IndexHour, "beginsAt">;

/** Adds up the hours since `sinceSeconds`. */
export function totalsSince(counted: readonly IndexHour[], sinceSeconds: number): Totals {
  const volume = new Map<string, bigint>();
  const sum = { posted: 0, settled: 0, convicted: 0, missed: 0, unclaimed: 0, slashed: 0n };
  for (const hour of counted) {
    if (hour.beginsAt + HOUR_SECONDS <= sinceSeconds) continue;
    sum.posted += hour.posted;
    sum.settled += hour.settled;
    sum.convicted += hour.convicted;
    sum.missed += hour.missed;
    sum.unclaimed += hour.unclaimed;
    sum.slashed += hour.slashed;
    for (const [mint, amount] of hour.volume) volume.set(mint, (volume.get(mint) ?? 0n) + amount);
  }
  return { ...sum, volume };
}
