/** What a node and its delegators earned: pure. */
import { type Job, JobState, settlementOf } from "@assay/client";
import type { Address } from "@solana/kit";
import type { Row } from "../data/kinds.ts";
import type { IndexedJob } from "./job-line.ts";
import { isNobody } from "./keys.ts";
import type { TimePoint } from "./reputation-history.ts";

/** Sums over the jobs of a node that settled, in one mint. */
export interface Earnings {
  readonly mint: Address;
  readonly jobs: number;
  /** The node's own share. */
  readonly node: bigint;
  /** What goes to those who delegate to it. */
  readonly delegators: bigint;
  /** What the protocol took. */
  readonly fee: bigint;
}

/** What settled jobs that still exist paid, by mint; the one with most jobs first. Receipts pay nothing of their own. */
export function earningsOf(jobs: readonly Row<"job">[], node: Address): readonly Earnings[] {
  const sums = new Map<Address, { jobs: number; node: bigint; delegators: bigint; fee: bigint }>();
  for (const { data } of jobs) {
    if (data.node !== node || !hasPaid(data)) continue;
    const split = settlementOf(data);
    const sum = sums.get(data.paymentMint) ?? { jobs: 0, node: 0n, delegators: 0n, fee: 0n };
    sums.set(data.paymentMint, {
      jobs: sum.jobs + 1,
      node: sum.node + split.node,
      delegators: sum.delegators + split.delegators,
      fee: sum.fee + split.fee,
    });
  }
  return [...sums].map(([mint, sum]) => ({ mint, ...sum })).sort((a, b) => b.jobs - a.jobs);
}

function hasPaid({ state, session }: Pick<Job, "state" | "session">): boolean {
  return (state === JobState.Settled || state === JobState.Accepted) && isNobody(session);
}

/** The prices of a node's settled jobs added up over time, before fees and the delegators' share, as an index lists them. */
export function pricesOverTime(jobs: readonly IndexedJob[], node: Address, mint: Address): readonly TimePoint[] {
  const settled = jobs
    .filter(({ data, endedSlot }) => data.node === node && data.paymentMint === mint && endedSlot > 0n && hasPaid(data))
    .sort((a, b) => (a.endedSlot < b.endedSlot ? -1 : 1));
  let sum = 0n;
  return settled.map(({ data, endedSlot }) => {
    sum += data.price;
    return { slot: endedSlot, value: Number(sum) };
  });
}

/** The node's own share of settled jobs that still exist, added up by when their results were committed. */
export function ownOverTime(jobs: readonly Row<"job">[], node: Address, mint: Address): readonly TimePoint[] {
  const paid = jobs
    .map(({ data }) => data)
    .filter((data) => data.node === node && data.paymentMint === mint && hasPaid(data))
    .sort((a, b) => (a.committedSlot < b.committedSlot ? -1 : 1));
  let sum = 0n;
  return paid.map((data) => {
    sum += settlementOf(data).node;
    return { slot: data.committedSlot, value: Number(sum) };
  });
}
