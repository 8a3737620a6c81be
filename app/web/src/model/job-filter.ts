/** Choosing and ordering jobs. */
import type { JobState } from "@assay/client/generated";
import type { Address } from "@solana/kit";
import type { JobFacts, JobLine } from "./job-line.ts";
import { nextDeadline } from "./job-state.ts";
import { hex } from "./keys.ts";

/** Which jobs are to be shown. */
export interface JobFilter {
  readonly text: string;
  readonly states: ReadonlySet<JobState>;
  readonly mint: Address | undefined;
  readonly mine: Address | undefined;
  readonly sort: JobSort;
}

/** By what jobs are ordered. */
export type JobSort = "newest" | "price" | "deadline";

/** Every job, the newest first. */
export const ALL_JOBS: JobFilter = { text: "", states: new Set(), mint: undefined, mine: undefined, sort: "newest" };

/** The jobs that a filter lets through, in its order. */
export function filterJobs<Line extends JobLine>(rows: readonly Line[], filter: JobFilter): readonly Line[] {
  const text = filter.text.trim();
  const chosen = rows.filter(
    ({ address, data }) =>
      (filter.states.size === 0 || filter.states.has(data.state)) &&
      (filter.mint === undefined || data.paymentMint === filter.mint) &&
      (filter.mine === undefined ||
        data.client === filter.mine ||
        data.payee === filter.mine ||
        data.operator === filter.mine) &&
      (text === "" || matches(address, data, text)),
  );
  return chosen.sort(ORDERS[filter.sort]);
}

/** How many jobs are in each state. */
export function countByState(rows: readonly JobLine[]): ReadonlyMap<JobState, number> {
  const counts = new Map<JobState, number>();
  for (const { data } of rows) counts.set(data.state, (counts.get(data.state) ?? 0) + 1);
  return counts;
}

/** What the job costs as far as is known: its fixed price, or the most that it can cost. */
export function knownPrice(job: Pick<JobFacts, "claimedSlot" | "price" | "priceMax">): bigint {
  return job.claimedSlot > 0n ? job.price : job.priceMax;
}

function matches(address: Address, job: JobFacts, text: string): boolean {
  if ([address, job.client, job.node, job.operator].some((key) => key?.startsWith(text))) return true;
  return /^[0-9a-f]{4,}$/i.test(text) && hex(job.graphRoot).startsWith(text.toLowerCase());
}

const ORDERS: Readonly<Record<JobSort, (a: JobLine, b: JobLine) => number>> = {
  newest: (a, b) => compare(b.data.postedSlot, a.data.postedSlot) || (a.address < b.address ? -1 : 1),
  price: (a, b) => compare(knownPrice(b.data), knownPrice(a.data)) || (a.address < b.address ? -1 : 1),
  deadline: (a, b) => compare(deadline(a.data), deadline(b.data)) || (a.address < b.address ? -1 : 1),
};

const NEVER = 2n ** 64n;

function deadline(job: JobFacts): bigint {
  return nextDeadline(job)?.last ?? NEVER;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
