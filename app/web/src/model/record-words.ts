/** Records of an index in words. */
import type { Address } from "@solana/kit";
import {
  addressOf,
  amountOf,
  faultNamed,
  type IndexRecord,
  numberOf,
  reasonNamed,
  stateNamed,
  wordsOf,
} from "../data/history-index/shape.ts";
import { formatBasisPoints, formatCount } from "./amounts.ts";
import { reasonWords, scorePercent } from "./event-words.ts";
import { faultSentence, stateWords } from "./job-state.ts";

/** How amounts are written. */
export interface RecordWriters {
  amount(value: bigint, mint: Address): string;
  stake(value: bigint): string;
}

/** What happened, in a sentence, and what else there is to say of it. */
export interface RecordWords {
  readonly sentence: string;
  readonly detail?: string;
}

/** Why a score changed, by the index's names. */
const REPUTATION_REASONS: Readonly<Record<string, string>> = {
  settled: "work settled in its favour",
  late: "a result was late",
  missed: "a claim ended without a result",
  misses_weighed: "earlier misses were weighed when it spoke again",
  heartbeats_missed: "epochs went by without a heartbeat",
  convicted: "a fault was proved",
  faded: "older work faded",
  unknown: "its account does not show why",
};

/** A reason of a score in words. */
export function reputationReason(name: string): string {
  return REPUTATION_REASONS[name] ?? name.replaceAll("_", " ");
}

/** A record in words. Changes of a later version are called by their names. */
export function recordWords(record: IndexRecord, write: RecordWriters): RecordWords {
  return (WORDS[record.change] ?? fallback)(record, write);
}

type Describe = (record: IndexRecord, write: RecordWriters) => RecordWords;

const fallback: Describe = ({ change }) => ({
  sentence: `${change.charAt(0).toUpperCase()}${change.slice(1).replaceAll("_", " ")}.`,
});

const say =
  (sentence: string): Describe =>
  () => ({ sentence });

const WORDS: Readonly<Record<string, Describe>> = {
  job_posted: ({ fields }, write) => {
    const mint = addressOf(fields, "mint");
    if (typeof fields.session === "string") return { sentence: "A receipt of a session was called in." };
    return {
      sentence: "The job was posted.",
      detail: `For ${write.amount(amountOf(fields, "price_min"), mint)} to ${write.amount(amountOf(fields, "price_max"), mint)}.`,
    };
  },
  job_claimed: say("A node claimed it and fixed the price."),
  job_committed: ({ fields }) => {
    const late = numberOf(fields, "late_bps");
    return {
      sentence: "The node committed to a result.",
      ...(late > 0 && { detail: `Late by ${formatBasisPoints(late)} of the time that was left.` }),
    };
  },
  job_challenged: ({ fields }) => {
    const open = numberOf(fields, "open");
    if (open === 0) return { sentence: "No challenge is open any more." };
    return { sentence: open === 1 ? "One challenge is open." : `${formatCount(open)} challenges are open.` };
  },
  job_accepted: say("The client accepted the result early."),
  job_ended: ({ fields }, write) => {
    const state = stateNamed(fields.state);
    const reason = reasonNamed(fields.reason);
    const fault = faultNamed(fields.fault);
    const price = amountOf(fields, "price");
    const charge = amountOf(fields, "charge");
    const details = [
      reason === undefined ? "" : `${capital(reasonWords(reason))}.`,
      fault === undefined || fault === 0 ? "" : faultSentence(fault),
      price > 0n ? `Its price was ${write.amount(price, addressOf(fields, "mint"))}.` : "",
      charge > 0n ? `The miss cost the node ${write.stake(charge)}.` : "",
    ].filter((text) => text !== "");
    return {
      sentence: `The job ended: ${state === undefined ? String(fields.state) : stateWords(state).name.toLowerCase()}.`,
      detail: details.join(" "),
    };
  },
  node_registered: say("The node registered."),
  node_stake: ({ fields }, write) => ({
    sentence: `Its stake went from ${write.stake(amountOf(fields, "before"))} to ${write.stake(amountOf(fields, "after"))}.`,
    ...(amountOf(fields, "unbonding") > 0n && {
      detail: `${write.stake(amountOf(fields, "unbonding"))} were under withdrawal then.`,
    }),
  }),
  node_reputation: ({ fields }) => {
    const [before, after] = [numberOf(fields, "before"), numberOf(fields, "after")];
    const reasons = wordsOf(fields, "reasons").map(reputationReason).join("; ");
    return before === after
      ? { sentence: "Its record changed, its reputation did not.", detail: `${capital(reasons)}.` }
      : {
          sentence: `Reputation from ${scorePercent(before)} to ${scorePercent(after)}.`,
          detail: `${capital(reasons)}.`,
        };
  },
  node_jailed: ({ fields }) => ({
    sentence: `It may not claim until slot ${formatCount(numberOf(fields, "until_slot"))}.`,
  }),
  node_maintenance: ({ fields }) => ({
    sentence: `It announced maintenance from slot ${formatCount(numberOf(fields, "start_slot"))} to slot ${formatCount(numberOf(fields, "end_slot"))}.`,
  }),
  node_convicted: ({ fields }, write) => ({
    sentence: "A fault was proved against it.",
    detail: `It lost ${write.stake(amountOf(fields, "slashed"))}.`,
  }),
  node_profile: ({ fields }) => ({
    sentence: "It said anew what it offers.",
    ...(typeof fields.endpoint === "string" &&
      fields.endpoint !== "" && { detail: `It serves at ${fields.endpoint}.` }),
  }),
  session_offered: ({ fields }, write) => {
    const mint = addressOf(fields, "mint");
    return {
      sentence: "The session was offered.",
      detail: `${write.amount(amountOf(fields, "balance"), mint)} in escrow, ${write.amount(amountOf(fields, "price"), mint)} a request.`,
    };
  },
  session_accepted: ({ fields }) => ({
    sentence: "The node accepted the session.",
    detail: `It serves until slot ${formatCount(numberOf(fields, "ends_slot"))}.`,
  }),
  session_changed: ({ fields }) => ({
    sentence: "A greater voucher was recorded, the end moved, or a receipt was called in.",
    detail: `Receipts so far: ${formatCount(amountOf(fields, "receipts"))}.`,
  }),
  session_ended: ({ fields }, write) => ({
    sentence: `The session ended: ${String(fields.state)}.`,
    detail: `${write.amount(amountOf(fields, "paid"), addressOf(fields, "mint"))} were paid by vouchers.`,
  }),
  challenge_sealed: ({ fields }, write) => ({
    sentence: "Somebody with a bond says that the result is wrong.",
    detail: `The bond is ${write.stake(amountOf(fields, "bond"))}.`,
  }),
  challenge_revealed: ({ fields }) => ({
    sentence: "The challenge says what is wrong.",
    detail: `${capital(String(fields.target).replaceAll("_", " "))} ${formatCount(numberOf(fields, "index"))}.`,
  }),
  challenge_ended: ({ fields }, write) => ({
    sentence: `The challenge ended: ${String(fields.state).replaceAll("_", " ")}.`,
    ...(amountOf(fields, "earned") > 0n && { detail: `It earned ${write.stake(amountOf(fields, "earned"))}.` }),
  }),
  demand_opened: ({ fields }) => ({
    sentence: "An opening was demanded.",
    detail: `${capital(String(fields.tree).replaceAll("_", " "))} ${formatCount(numberOf(fields, "slot_or_segment"))}, height ${formatCount(numberOf(fields, "height"))}, place ${formatCount(numberOf(fields, "index"))}.`,
  }),
  demand_answered: say("A demanded opening was answered."),
  proposed: ({ fields }) => ({ sentence: `A change was proposed: ${String(fields.what).replaceAll("_", " ")}.` }),
  budget_set: say("The limits of the budget were set."),
  budget_spent: say("A job was posted out of the budget."),
  closed: ({ fields }) => ({
    sentence: "The account was closed.",
    ...(fields.unseen_end === true && {
      detail: "It ended and was closed while the index did not look: how it ended is not known.",
    }),
  }),
};

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
