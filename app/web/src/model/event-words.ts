/** Events in words. */
import { type AssayEvent, Reason, scoreInBasisPoints } from "@assay/client";
import { formatBasisPoints, formatCount } from "./amounts.ts";
import { placeSentence } from "./finding.ts";

const WORDS: Readonly<Record<AssayEvent["name"], string>> = {
  JobPosted: "The job was posted.",
  JobClaimed: "A node claimed it.",
  ResultCommitted: "The node committed to a result.",
  ResultAccepted: "The client accepted the result early.",
  JobSettled: "The job settled.",
  JobCancelled: "The client took it back.",
  JobExpired: "Nobody claimed it in time.",
  JobClosed: "The job was closed and its rent returned.",
  JobMigrated: "The account of the job got its present layout.",
  ClaimMissed: "The node brought no result in time.",
  CreditWithdrawn: "A credit was paid out.",
  ChargeWithdrawn: "The charge for a miss was paid out.",
  FeeSwept: "The protocol's fee was collected.",
  FeeBurned: "The protocol's fee was burned in part, the rest collected.",
  ChallengeCommitted: "Somebody with a bond says that the result is wrong.",
  ChallengeRevealed: "The challenge says what is wrong.",
  ChallengeEnded: "A challenge ended.",
  ChallengeClosed: "The account of a challenge was closed.",
  FaultProved: "A fault was proved.",
  DefenderTimedOut: "The defending side ran out of time.",
  UnavailableFiled: "Somebody with a bond says that the result cannot be had.",
  ChainCommitted: "A validator committed to its seeds.",
  DisputeSettled: "The bounty was shared out.",
  SegmentRootPosted: "The root of a segment was claimed.",
  SegmentRootRecorded: "The root of a segment was put on record.",
  SegmentClaimClosed: "The account of a claimed root was closed.",
  OpeningDemanded: "An opening was demanded.",
  OpeningAnswered: "A demanded opening was answered.",
  DemandClosed: "The account of a demand was closed.",
  SeedSealed: "The number that draws who may claim was sealed.",
  SeedRevealed: "A validator showed its seed without attesting.",
  NodeRegistered: "The node registered.",
  NodeDeregistered: "The node left the market.",
  NodeUpdated: "Its operator or endpoint changed.",
  NodeMigrated: "Its account got its present layout.",
  ProfileSet: "It said anew what it offers.",
  Staked: "Stake was added.",
  WithdrawalRequested: "A withdrawal began.",
  WithdrawalCancelled: "A withdrawal was cancelled.",
  StakeWithdrawn: "Stake was withdrawn.",
  HeartbeatRecorded: "It gave a sign of life.",
  MaintenanceAnnounced: "It announced maintenance.",
  NodeWeighed: "It was weighed for draws.",
  SlashBurned: "Slashed stake was burned.",
  CorrelationCharged: "More of its stake was slashed, because much was convicted at the same time.",
  DelegationPoolOpened: "It takes delegated stake from now on.",
  DelegationPoolClosed: "It takes no delegated stake any more.",
  CommissionSet: "It set what it keeps of the delegators' share; a raise waits for the unbonding time.",
  Delegated: "Somebody delegated stake to it.",
  Undelegated: "Somebody asked for delegated stake back; it unbonds.",
  DelegationWithdrawn: "Delegated stake that had unbonded was withdrawn.",
  DelegationClosed: "An empty delegation was closed.",
  DelegationSlashed: "A slash of the node reached the stake that is delegated to it.",
  DelegationRewardCollected: "The delegators' share of a job went into their pool.",
  DelegationRewardWithdrawn: "A delegator took out a reward.",
  RewardMintAdded: "The pool of its delegators shares rewards in another token.",
  RewardMintRemoved: "The pool of its delegators shares no more rewards in one of its tokens.",
  Attested: "A validator attested that it recomputed the result.",
  AttestationSettled: "What an attestation had at risk was freed or taken.",
  AttestationCollected: "A validator was paid for its attestation.",
  ValidatorRegistered: "The validator registered.",
  ValidatorDeregistered: "The validator left the market.",
  ValidatorUpdated: "The validator has another operator.",
  ValidatorStaked: "The validator added stake.",
  ValidatorWithdrawalRequested: "The validator began a withdrawal.",
  ValidatorStakeWithdrawn: "The validator withdrew stake.",
  RewardPoolCreated: "The pool for rewards of validators was created.",
  SessionOpened: "A session was offered.",
  SessionAccepted: "The node accepted the session.",
  SessionCancelled: "The client took the session back.",
  SessionExpired: "The node did not accept the session in time.",
  SessionEnded: "The session was ended.",
  SessionSettled: "The session settled.",
  SessionClosed: "The session was closed and its rent returned.",
  SessionCreditWithdrawn: "A credit of the session was paid out.",
  VoucherRecorded: "A voucher was put on record.",
  ReceiptOpened: "A receipt was called in.",
  ReceiptAmended: "The client said where the inputs and the result of a receipt are.",
  ReceiptStood: "A receipt that was called in stood.",
  ReceiptClosed: "A receipt that had ended was closed.",
  BudgetCreated: "The budget was created.",
  BudgetChanged: "The limits or the agent of the budget changed.",
  BudgetWithdrawn: "Its owner took tokens out of the budget.",
  BudgetClosed: "The budget was closed.",
  ChangeProposed: "A change was proposed.",
  ChangeExecuted: "A proposed change was carried out.",
  ChangeDismissed: "A proposed change was vetoed, withdrawn or is out of date.",
  AuthorityProposed: "Another authority was proposed.",
  AuthorityAccepted: "The proposed authority accepted.",
  NewWorkPaused: "The guardian paused new jobs and claims.",
  NetworkInitialized: "The market was set up.",
  NetworkMigrated: "The account of the network got its present layout.",
  StakeRegisterCreated: "The register of stake was created.",
};

/** What happened, in a sentence. */
export function eventSentence(event: AssayEvent): string {
  const sentence = WORDS[event.name];
  return event.name === "FaultProved" ? `${sentence} ${placeSentence(event.data)}` : sentence;
}

/** What it did to the node's reputation, and why; `undefined` where it did nothing. */
export function scoreChange({ data }: AssayEvent): string | undefined {
  if (!("scoreBefore" in data) || !("scoreAfter" in data)) return undefined;
  const [before, after] = [data.scoreBefore[0], data.scoreAfter[0]];
  if (before === after) return undefined;
  const why = "reason" in data ? `, because of ${reasonWords(data.reason)}` : "";
  return `Reputation from ${scorePercent(before)} to ${scorePercent(after)}${why}`;
}

/** A score, in 65,536ths, as people read it. */
export function scorePercent(score: number): string {
  return formatBasisPoints(scoreInBasisPoints(score));
}

/** A reason as a part of a sentence: "because of" it. */
export function reasonWords(reason: Reason): string {
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
    case Reason.WrongResult:
      return "a wrong result";
    case Reason.Equivocated:
      return "two different roots that it signed";
    case Reason.Withheld:
      return "an opening that it withheld";
    case Reason.Cancelled:
      return "its client's change of mind";
    case Reason.Unclaimed:
      return "no claim in time";
    case Reason.Open:
      return "work that has not ended";
  }
}

/** A slot in words. */
export function slotText(slot: bigint): string {
  return `slot ${formatCount(slot)}`;
}
