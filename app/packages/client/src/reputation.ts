/**
 * What a node's work says about it: `programs/assay/src/fairness/reputation.rs`, integer for integer.
 *
 * The score is the lower end of Wilson's interval for the share of good work (one-sided, 95 %), so it says how good a node
 * is at least, as far as is known. Evidence is in millionths of an observation: so many base units of burned fees.
 */
import type { Evidence, ReputationRules } from "./generated/types/index.js";
import { ceilingOf, floorOf, smaller, squareRoot, WHOLE_BASIS_POINTS } from "./integers.js";

/** Units of evidence in one observation. */
export const OBSERVATION = 1_000_000n;
/** `z²` in units of evidence: 1.6448536² of an observation. */
export const CONFIDENCE = 2_705_543n;
/** Evidence of either kind stays below. */
export const MAXIMUM_EVIDENCE = 1n << 46n;
/** The whole of which a score is a part; every score is below it. */
export const SCORE_WHOLE = 1 << 16;

const FRACTION_BITS = 16n;
const ONE = 1n << FRACTION_BITS;
const LARGEST_RATIO = 128n << FRACTION_BITS;

/** The rules of a new network: a million base units an observation, halved in 30 epochs. */
export const DEFAULT_REPUTATION_RULES: ReputationRules = {
  feePerObservation: 1_000_000n,
  maximumPerJob: 16n * OBSERVATION,
  keptPerEpoch: 4_196_870_107,
  noShowBps: 40_000,
  outageBps: 5_000,
  maintenanceBps: 1_000,
  missedHeartbeatBps: 100,
};

/** What a node did, as far as its reputation is concerned. */
export type Act =
  | { readonly kind: "OnTime" | "MissInMaintenance" | "MissInOutage" | "NoShow" | "Fraud" }
  /** A correct result that came late, by this share of the time that was left. */
  | { readonly kind: "Late"; readonly shareBps: number };

/** What a job counts that burned `fee` base units of the stake mint; an invited job counts nothing. */
export function observationsOf(rules: ReputationRules, fee: bigint, invited: boolean): bigint {
  if (invited) return 0n;
  return smaller((fee * OBSERVATION) / rules.feePerObservation, rules.maximumPerJob);
}

/** The evidence as it has faded until `epoch`: good rounded down and bad up, so that a score never rises by waiting. */
export function faded(evidence: Evidence, epoch: bigint, rules: ReputationRules): Evidence {
  const epochs = epoch - evidence.epoch;
  if (epochs <= 0n) return evidence;
  const kept = keptAfter(BigInt(rules.keptPerEpoch), epochs);
  const bad = kept === 0n ? 0n : (evidence.bad * kept + 0xffff_ffffn) >> 32n;
  return { good: (evidence.good * kept) >> 32n, bad, epoch };
}

/** The evidence after an act of a job that counts `observations`, faded until `epoch`. */
export function recorded(
  evidence: Evidence,
  act: Act,
  observations: bigint,
  epoch: bigint,
  rules: ReputationRules,
): Evidence {
  const before = faded(evidence, epoch, rules);
  const times = (shareBps: number) =>
    ceilingOf(smaller(observations, MAXIMUM_EVIDENCE), BigInt(shareBps), WHOLE_BASIS_POINTS);
  switch (act.kind) {
    case "OnTime":
      return plus(before, observations, 0n);
    case "Late": {
      const bad = times(Math.min(act.shareBps, Number(WHOLE_BASIS_POINTS)));
      return plus(before, observations > bad ? observations - bad : 0n, bad);
    }
    case "MissInMaintenance":
      return plus(before, 0n, times(rules.maintenanceBps));
    case "MissInOutage":
      return plus(before, 0n, times(rules.outageBps));
    case "NoShow":
      return plus(before, 0n, times(rules.noShowBps));
    case "Fraud":
      return plus({ ...before, good: 0n }, 0n, times(rules.noShowBps));
  }
}

/** The evidence after epochs without a heartbeat, faded until `epoch`. */
export function recordedMissedHeartbeats(
  evidence: Evidence,
  missedEpochs: bigint,
  epoch: bigint,
  rules: ReputationRules,
): Evidence {
  const before = faded(evidence, epoch, rules);
  const share = smaller(missedEpochs * BigInt(rules.missedHeartbeatBps), WHOLE_BASIS_POINTS);
  return plus(before, 0n, ceilingOf(before.good, share, WHOLE_BASIS_POINTS));
}

/** The lower bound of the share of good work, in 65,536ths. */
export function scoreOf(evidence: Pick<Evidence, "good" | "bad">): number {
  if (evidence.good === 0n) return 0;
  const x = (smaller(evidence.bad, MAXIMUM_EVIDENCE) << FRACTION_BITS) / evidence.good;
  const y = (CONFIDENCE << FRACTION_BITS) / evidence.good;
  if (x > LARGEST_RATIO || y > LARGEST_RATIO) return 0;
  const whole = ONE + x;
  const half = (whole * y) >> (FRACTION_BITS + 1n);
  const spread = ((whole * x) >> FRACTION_BITS) * y;
  const root = squareRoot(spread + half * half);
  return Number(smaller((ONE * ONE) / (whole + half + root), ONE - 1n));
}

/** A score for showing it: basis points of the whole, rounded down. */
export function scoreInBasisPoints(score: number): number {
  return Number(floorOf(BigInt(score), WHOLE_BASIS_POINTS, ONE));
}

/** A reputation for showing it: the bound, and how much of what it lacks is ignorance rather than bad work. */
export interface Confidence {
  /** The least share of good work that the evidence supports, in basis points: what the market counts. */
  readonly lowerBoundBps: number;
  /** The share of good work in the evidence, in basis points; none where there is no evidence. */
  readonly observedBps: number | null;
  /** How many observations there are, in millionths. */
  readonly observations: bigint;
}

/** The reputation that evidence gives, with its confidence bound. */
export function confidenceOf(evidence: Pick<Evidence, "good" | "bad">): Confidence {
  const observations = evidence.good + evidence.bad;
  return {
    lowerBoundBps: scoreInBasisPoints(scoreOf(evidence)),
    observedBps: observations === 0n ? null : Number(floorOf(evidence.good, WHOLE_BASIS_POINTS, observations)),
    observations,
  };
}

function plus(evidence: Evidence, good: bigint, bad: bigint): Evidence {
  return {
    good: smaller(evidence.good + good, MAXIMUM_EVIDENCE),
    bad: smaller(evidence.bad + bad, MAXIMUM_EVIDENCE),
    epoch: evidence.epoch,
  };
}

/** `base^exponent` of a share in 2^-32, rounded down at each step. */
function keptAfter(base: bigint, exponent: bigint): bigint {
  let [result, square, left] = [1n << 32n, base, exponent];
  while (left > 0n && result > 0n) {
    if ((left & 1n) === 1n) result = (result * square) >> 32n;
    square = (square * square) >> 32n;
    left >>= 1n;
  }
  return result;
}
