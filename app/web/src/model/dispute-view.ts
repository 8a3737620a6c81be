/** Disputes: which jobs have one, how far down each tree it is, whose clock runs, and who was paid. */
import {
  type Challenge,
  ChallengeState,
  type Demand,
  DemandState,
  DemandTree,
  type DisputeTerms,
  Fault,
  type Job,
  TargetKind,
} from "@assay/client/generated";
import type { Address } from "@solana/kit";
import type { Row } from "../data/kinds.ts";
import type { Tone } from "./job-state.ts";
import { isNobody } from "./keys.ts";

/** A job with everything that is disputed about it. */
export interface Dispute {
  readonly job: Row<"job">;
  readonly challenges: readonly Row<"challenge">[];
  readonly demands: readonly Row<"demand">[];
  readonly claims: readonly Row<"segmentClaim">[];
}

/** How a challenge stands, in words. */
export interface ChallengeWords {
  readonly name: string;
  readonly tone: Tone;
  readonly sentence: string;
}

/** All disputes, the open ones first, then the newest. */
export function disputes(
  jobs: ReadonlyMap<Address, Row<"job">>,
  challenges: readonly Row<"challenge">[],
  demands: readonly Row<"demand">[],
  claims: readonly Row<"segmentClaim">[],
): readonly Dispute[] {
  const byJob = new Map<Address, Dispute>();
  const add = <K extends "challenges" | "demands" | "claims">(key: K, row: Dispute[K][number], at: Address) => {
    const job = jobs.get(at);
    if (job === undefined) return;
    const found = byJob.get(at) ?? { job, challenges: [], demands: [], claims: [] };
    byJob.set(at, { ...found, [key]: [...found[key], row] });
  };
  for (const row of challenges) add("challenges", row, row.data.job);
  for (const row of demands) add("demands", row, row.data.job);
  for (const row of claims) add("claims", row, row.data.job);
  for (const job of jobs.values()) {
    const convicted = job.data.record.fault !== Fault.None;
    if (convicted && !byJob.has(job.address)) byJob.set(job.address, { job, challenges: [], demands: [], claims: [] });
  }
  return [...byJob.values()].sort((a, b) => Number(isOpen(b)) - Number(isOpen(a)) || compare(lastMove(b), lastMove(a)));
}

/** Whether a challenge of it has not ended. */
export function isOpen(dispute: Dispute): boolean {
  return dispute.challenges.some(({ data }) => isOpenChallenge(data));
}

/** Whether it has not ended. */
export function isOpenChallenge(challenge: Challenge): boolean {
  return challenge.state === ChallengeState.Sealed || challenge.state === ChallengeState.Revealed;
}

/** A challenge in words. */
export function challengeWords(challenge: Challenge): ChallengeWords {
  switch (challenge.state) {
    case ChallengeState.Sealed:
      return {
        name: "Sealed",
        tone: "warn",
        sentence: "Somebody with a bond says that the result is wrong, and not yet where.",
      };
    case ChallengeState.Revealed:
      return { name: "Revealed", tone: "warn", sentence: `It says what is wrong: ${targetWords(challenge)}.` };
    case ChallengeState.Won:
      return { name: "Won", tone: "good", sentence: `It was right about ${targetWords(challenge)}.` };
    case ChallengeState.Lost:
      return { name: "Lost", tone: "bad", sentence: "It was wrong, or too late. Its bond is gone." };
    case ChallengeState.Moot:
      return { name: "Moot", tone: "idle", sentence: "Nothing is left to decide. Its bond returns." };
  }
}

/** What is said to be wrong. */
export function targetWords({ target }: Challenge): string {
  switch (target.kind) {
    case TargetKind.Boundary:
      return `boundary tensor ${target.index}`;
    case TargetKind.Segment:
      return `the inside of segment ${target.index}`;
    case TargetKind.Output:
      return "the output, which cannot be had";
  }
}

/** One side's clock. */
export interface Clock {
  readonly used: bigint;
  readonly allowed: bigint;
  readonly runs: boolean;
}

/** Both clocks of a revealed challenge at `now`; the program's own rule. */
export function clocksAt(
  challenge: Challenge,
  waiting: Demand | undefined,
  terms: DisputeTerms,
  now: bigint,
): { readonly challenger: Clock; readonly defender: Clock } {
  const { clocks } = challenge;
  const revealed = challenge.state === ChallengeState.Revealed;
  const waits = !isNobody(clocks.demand);
  const open = waits && (waiting === undefined || waiting.answeredSlot === 0n);
  const since = later(clocks.sinceSlot, (open ? waiting?.reopenedSlot : waiting?.answeredSlot) ?? 0n);
  const running = revealed ? positive(now - since) : 0n;
  const waited = waits && !open ? positive(since - clocks.sinceSlot) : 0n;
  return {
    challenger: {
      used: clocks.challengerUsedSlots + (open ? 0n : running),
      allowed: allowance(terms.challengerClockSlots, clocks.challengerExtended),
      runs: revealed && !open,
    },
    defender: {
      used: clocks.defenderUsedSlots + (clocks.posterAnswers ? 0n : open ? running : waited),
      allowed: allowance(terms.defenderClockSlots, clocks.defenderExtended),
      runs: revealed && open && !clocks.posterAnswers,
    },
  };
}

/** What a clock allows: its length, and half as much again once it was extended. */
export function allowance(slots: number, extended: boolean): bigint {
  const length = BigInt(slots);
  return extended ? length + length / 2n : length;
}

/** One tree on the way down to what is wrong. */
export interface Descent {
  readonly key: string;
  readonly title: string;
  readonly depth: number;
  readonly moves: readonly Move[];
}

/** One opened or demanded place of a tree. */
export interface Move {
  readonly address: Address;
  readonly height: number;
  readonly index: number;
  readonly state: "open" | "answered";
  readonly requestedSlot: bigint;
  readonly answeredSlot: bigint;
}

/** Every tree in which something was demanded, from the outermost to the innermost. */
export function descents(demands: readonly Row<"demand">[]): readonly Descent[] {
  const trees = new Map<string, Row<"demand">[]>();
  for (const demand of demands) {
    const { tree, slot } = demand.data.key;
    const key = `${tree}/${slot}`;
    trees.set(key, [...(trees.get(key) ?? []), demand]);
  }
  return [...trees]
    .map(([key, rows]) => descentOf(key, rows))
    .sort((a, b) => ((a.moves[0]?.requestedSlot ?? 0n) < (b.moves[0]?.requestedSlot ?? 0n) ? -1 : 1));
}

function descentOf(key: string, rows: readonly Row<"demand">[]): Descent {
  const moves = rows
    .map(({ address, data }) => ({
      address,
      height: data.key.height,
      index: data.key.index,
      state: data.state === DemandState.Open ? ("open" as const) : ("answered" as const),
      requestedSlot: data.requestedSlot,
      answeredSlot: data.answeredSlot,
    }))
    .sort((a, b) => b.height - a.height || a.index - b.index);
  const first = rows[0]?.data;
  return {
    key,
    title: first === undefined ? "" : treeTitle(first),
    depth: first === undefined ? 0 : treeDepth(first),
    moves,
  };
}

function treeTitle({ key }: Demand): string {
  switch (key.tree) {
    case DemandTree.Boundary:
      return "Tree of boundary tensors";
    case DemandTree.Segment:
      return `Tree of the tensors of segment ${key.slot}`;
    case DemandTree.Tensor:
      return `Tree of tensor ${key.slot}`;
    case DemandTree.SegmentRoot:
      return `Root of segment ${key.slot}`;
  }
}

/** Levels above the leaves: of a list of tensors by their count, of a tensor by its leaves of 512 bytes. */
function treeDepth({ key, facts }: Demand): number {
  if (key.tree === DemandTree.SegmentRoot) return 0;
  const leaves = key.tree === DemandTree.Tensor ? Math.ceil((facts.rows * facts.rowBytes) / 512) : facts.count;
  return Math.max(key.height, Math.ceil(Math.log2(Math.max(1, leaves))));
}

/** Who is paid, and who loses, for a conviction. Stake amounts but for the refund. */
export interface Payouts {
  readonly refund: bigint;
  /** The bond that the node lost. */
  readonly bond: bigint;
  readonly bounty: bigint;
  /** What is not burned yet. */
  readonly toBurn: bigint;
  readonly challengers: ReadonlyArray<{ readonly address: Address; readonly bond: bigint; readonly earned: bigint }>;
}

/** By the terms of the job, and what accounts still say: once a dispute is settled, its record forgets what was shared out. */
export function payouts(job: Job, challenges: readonly Row<"challenge">[]): Payouts {
  return {
    refund: job.priceMax + job.audit.pot,
    bond: job.bond,
    bounty: (job.bond * BigInt(job.dispute.bountyBps)) / 10_000n,
    toBurn: job.record.burnCredit,
    challengers: challenges
      .filter(({ data }) => data.state === ChallengeState.Won)
      .map(({ data }) => ({ address: data.challenger, bond: data.bond, earned: data.earned })),
  };
}

function lastMove(dispute: Dispute): bigint {
  const slots = dispute.challenges.map(({ data }) => later(data.committedSlot, data.clocks.sinceSlot));
  return [...slots, dispute.job.data.record.convictedSlot].reduce(later, 0n);
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function positive(value: bigint): bigint {
  return value > 0n ? value : 0n;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
