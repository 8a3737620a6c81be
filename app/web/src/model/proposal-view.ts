/** Proposed changes in words, and how far they are. */
import type { Change, Proposal } from "@assay/client/generated";
import { formatBasisPoints, formatCount } from "./amounts.ts";
import type { Tone } from "./job-state.ts";
import { isNobody, shortAddress } from "./keys.ts";

/** How a proposal stands. */
export type ProposalStage = "waiting" | "ready" | "expired";

/** Where it is between its proposal and its end. */
export function stageOf(proposal: Proposal, now: bigint): ProposalStage {
  if (now < proposal.etaSlot) return "waiting";
  return now > proposal.lastSlot ? "expired" : "ready";
}

/** A stage in words. */
export const STAGE_WORDS: Readonly<Record<ProposalStage, { readonly name: string; readonly tone: Tone }>> = {
  waiting: { name: "Waiting", tone: "gold" },
  ready: { name: "Can be carried out", tone: "good" },
  expired: { name: "Expired", tone: "idle" },
};

/** What is proposed, as a title. */
export function changeTitle(change: Change): string {
  switch (change.__kind) {
    case "NetworkParameters":
      return "Change parameters";
    case "AllowPaymentMint":
      return `Allow payments in ${shortAddress(change.mint)}`;
    case "SetPaymentMint":
      return `${change.enabled ? "Set the bond rate of" : "Switch off"} ${shortAddress(change.mint)}`;
    case "WithdrawFees":
      return `Pay fees in ${shortAddress(change.mint)} out of the treasury`;
    case "Guardian":
      return isNobody(change.guardian) ? "Have no guardian" : "Name another guardian";
    case "Timelock":
      return "Change how long changes wait";
    case "FeeBurn":
      return "Change which share of fees burns";
  }
}

/** What is proposed, in a sentence. */
export function changeSentence(change: Change): string {
  switch (change.__kind) {
    case "NetworkParameters":
      return "Replaces all parameters; those that would change are listed.";
    case "AllowPaymentMint":
    case "SetPaymentMint":
      return `${change.bondDenominator} of it count as ${change.bondNumerator} of the stake mint when bonds are sized.`;
    case "WithdrawFees":
      return `${formatCount(change.amount)} base units go to ${shortAddress(change.destination)}.`;
    case "Guardian":
      return isNobody(change.guardian)
        ? "Nobody could veto changes or pause new work any more. The guardian cannot veto this."
        : `${shortAddress(change.guardian)} would veto and pause from then on. The guardian cannot veto this.`;
    case "Timelock":
      return `Later changes would wait for ${formatCount(change.timelockSlots)} slots.`;
    case "FeeBurn":
      return `${formatBasisPoints(change.feeBurnBps)} of a job's fee in the stake mint would burn.`;
  }
}
