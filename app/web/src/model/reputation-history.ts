/** A node's reputation over time, with the reason of every step, and what else its past says: pure. */
import { scoreInBasisPoints } from "@assay/client";
import type { Address } from "@solana/kit";
import type { HistoryEntry } from "../data/history.ts";
import { type IndexRecord, numberOf, wordsOf } from "../data/history-index/shape.ts";
import { reasonWords } from "./event-words.ts";
import type { IndexedJob } from "./job-line.ts";
import { stateWords } from "./job-state.ts";
import { reputationReason } from "./record-words.ts";

/** One change of a score. */
export interface ScoreStep {
  readonly key: string;
  readonly slot: bigint;
  /** In 65,536ths. */
  readonly before: number;
  readonly after: number;
  readonly why: string;
  /** The jobs that ended then, with how. */
  readonly jobs: readonly { readonly address: Address; readonly how: string }[];
}

/** The steps that an index recorded, oldest first; `jobs` are those of the node that the index lists. */
export function stepsOfRecords(records: readonly IndexRecord[], jobs: readonly IndexedJob[]): readonly ScoreStep[] {
  const ended = new Map<bigint, IndexedJob[]>();
  for (const job of jobs) {
    if (job.endedSlot > 0n) ended.set(job.endedSlot, [...(ended.get(job.endedSlot) ?? []), job]);
  }
  return records
    .filter(({ change }) => change === "node_reputation")
    .map(({ id, slot, fields }) => ({
      key: `${id}`,
      slot,
      before: numberOf(fields, "before"),
      after: numberOf(fields, "after"),
      why: wordsOf(fields, "reasons").map(reputationReason).join("; "),
      jobs: (ended.get(slot) ?? []).map(({ address, data }) => ({
        address,
        how: stateWords(data.state).name.toLowerCase(),
      })),
    }))
    .filter(({ before, after }) => before !== after);
}

/** The steps that the events of a node's transactions tell, oldest first: as far back as the endpoint remembers. */
export function stepsOfEvents(entries: readonly HistoryEntry[], node: Address): readonly ScoreStep[] {
  return [...entries].reverse().flatMap(({ event: { name, data }, slot, signature }) => {
    if (!("scoreBefore" in data) || !("scoreAfter" in data) || !("node" in data) || data.node !== node) return [];
    const [before, after] = [data.scoreBefore[0], data.scoreAfter[0]];
    if (before === after) return [];
    const job = "job" in data ? data.job : undefined;
    const how = "reason" in data ? reasonWords(data.reason) : EVENT_REASONS[name];
    return [
      {
        key: `${signature} ${name} ${job ?? ""}`,
        slot,
        before,
        after,
        why: how ?? "what happened in its transaction",
        jobs: job === undefined ? [] : [{ address: job, how: how ?? "" }],
      },
    ];
  });
}

const EVENT_REASONS: Readonly<Record<string, string>> = {
  HeartbeatRecorded: "a heartbeat: misses were weighed, epochs without one counted, and older work faded",
  FaultProved: "a fault was proved",
  DefenderTimedOut: "an opening that it withheld",
};

/** A point of a line over time: a score in hundredths of a percent, or an amount. */
export interface TimePoint {
  readonly slot: bigint;
  readonly value: number;
}

/** The line of the score from the first step to now. */
export function scoreLine(steps: readonly ScoreStep[], now: bigint, score: number): readonly TimePoint[] {
  const [first] = steps;
  if (first === undefined) return [];
  const points = [{ slot: first.slot, value: scoreInBasisPoints(first.before) }];
  for (const { slot, after } of steps) points.push({ slot, value: scoreInBasisPoints(after) });
  if (now > (points.at(-1)?.slot ?? 0n)) points.push({ slot: now, value: scoreInBasisPoints(score) });
  return points;
}

/** For how much of its time a node could not claim, and how often it was silent, as an index recorded it. */
export interface Presence {
  /** Since the first record, in slots. */
  readonly slots: bigint;
  readonly jailedSlots: bigint;
  readonly maintenanceSlots: bigint;
  /** How often epochs went by without a heartbeat. */
  readonly silences: number;
  readonly misses: number;
}

/** Adds up the times in which a node may not claim; overlapping ones count once, as jail. */
export function presenceOf(records: readonly IndexRecord[], registeredSlot: bigint, now: bigint): Presence {
  const spans: { readonly kind: "jail" | "maintenance"; readonly from: bigint; readonly to: bigint }[] = [];
  let [silences, misses] = [0, 0];
  for (const { change, slot, fields } of records) {
    if (change === "node_jailed") spans.push({ kind: "jail", from: slot, to: BigInt(numberOf(fields, "until_slot")) });
    if (change === "node_maintenance") {
      const [from, to] = [numberOf(fields, "start_slot"), numberOf(fields, "end_slot")];
      spans.push({ kind: "maintenance", from: BigInt(from), to: BigInt(to) + 1n });
    }
    if (change !== "node_reputation") continue;
    const reasons = wordsOf(fields, "reasons");
    if (reasons.includes("heartbeats_missed")) silences += 1;
    if (reasons.includes("missed")) misses += 1;
  }
  const jail = union(
    spans.filter(({ kind }) => kind === "jail"),
    registeredSlot,
    now,
  );
  const both = union(spans, registeredSlot, now);
  const slots = now > registeredSlot ? now - registeredSlot : 0n;
  return { slots, jailedSlots: jail, maintenanceSlots: both - jail, silences, misses };
}

function union(spans: ReadonlyArray<{ from: bigint; to: bigint }>, first: bigint, now: bigint): bigint {
  const sorted = [...spans].sort((a, b) => (a.from < b.from ? -1 : 1));
  let [sum, end] = [0n, first];
  for (const { from, to } of sorted) {
    const begin = from > end ? from : end;
    const stop = to < now ? to : now;
    if (stop > begin) {
      sum += stop - begin;
      end = stop;
    }
  }
  return sum;
}
