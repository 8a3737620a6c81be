/** Events in words. */
import { type AssayEvent, Reason, scoreInBasisPoints } from "@assay/client";
import { formatBasisPoints, formatCount } from "./amounts.ts";

const WORDS: Readonly<Partial<Record<AssayEvent["name"], string>>> = {
  JobPosted: "The job was posted.",
  JobClaimed: "A node claimed it.",
  ResultCommitted: "The node committed to a result.",
  ResultAccepted: "The client accepted the result early.",
  JobSettled: "The job settled.",
  JobCancelled: "The client took it back.",
  JobExpired: "Nobody claimed it in time.",
  ClaimMissed: "The node brought no result in time.",
  CreditWithdrawn: "A credit was paid out.",
  ChargeWithdrawn: "The charge for a miss was paid out.",
  ChallengeCommitted: "Somebody with a bond says that the result is wrong.",
  ChallengeRevealed: "The challenge says what is wrong.",
  ChallengeEnded: "A challenge ended.",
  FaultProved: "A fault was proved.",
  DefenderTimedOut: "The defending side ran out of time.",
  DisputeSettled: "The bounty was shared out.",
  SegmentRootRecorded: "The root of a segment was put on record.",
  OpeningDemanded: "An opening was demanded.",
  OpeningAnswered: "A demanded opening was answered.",
  SeedSealed: "The number that draws who may claim was sealed.",
  NodeRegistered: "The node registered.",
  NodeUpdated: "Its operator or endpoint changed.",
  ProfileSet: "It said anew what it offers.",
  Staked: "Stake was added.",
  WithdrawalRequested: "A withdrawal began.",
  WithdrawalCancelled: "A withdrawal was cancelled.",
  StakeWithdrawn: "Stake was withdrawn.",
  HeartbeatRecorded: "It gave a sign of life.",
  MaintenanceAnnounced: "It announced maintenance.",
  NodeWeighed: "It was weighed for draws.",
  SlashBurned: "Slashed stake was burned.",
};

/** What happened, in a sentence. Events without a sentence of their own are called by their names. */
export function eventSentence(event: AssayEvent): string {
  return (
    WORDS[event.name] ??
    `${event.name
      .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
      .toLowerCase()
      .replace(/^./, (letter) => letter.toUpperCase())}.`
  );
}

/** What it did to the node's reputation, and why; `undefined` where it did nothing. */
export function scoreChange({ data }: AssayEvent): string | undefined {
  if (!("scoreBefore" in data) || !("scoreAfter" in data)) return undefined;
  const [before, after] = [data.scoreBefore[0], data.scoreAfter[0]];
  if (before === after) return undefined;
  const percent = (score: number) => formatBasisPoints(scoreInBasisPoints(score));
  const why = "reason" in data ? `, because of ${reasonWords(data.reason)}` : "";
  return `Reputation from ${percent(before)} to ${percent(after)}${why}`;
}

function reasonWords(reason: Reason): string {
  switch (reason) {
    case Reason.Completed:
      return "a result in time";
    case Reason.CompletedLate:
      return "a late result";
    case Reason.CompletedDisputed:
      return "a result that stood against a challenge";
    case Reason.MissedInMaintenance:
      return "a miss in announced maintenance";
    case Reason.MissedInOutage:
      return "an outage";
    case Reason.NoShow:
      return "a result that never came";
    default:
      return Reason[reason].toLowerCase();
  }
}

/** A slot in words. */
export function slotText(slot: bigint): string {
  return `slot ${formatCount(slot)}`;
}
