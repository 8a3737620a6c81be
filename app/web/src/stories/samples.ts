/** Data for stories. */
import { Dtype, Fault, FaultSide, type Job, JobState, NOBODY, Reason } from "@assay/client";
import { address } from "@solana/kit";
import type { IndexRecord, IndexStats } from "../data/history-index/shape.ts";
import type { IndexStanding } from "../data/history-index/store.ts";
import type { Descent } from "../model/dispute-view.ts";
import type { ScoreStep } from "../model/reputation-history.ts";

const SOMEBODY = address("4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj");
const NOTHING = new Uint8Array(32);

/** A job in a state, posted at slot 1,000. */
export function sampleJob(state: JobState, fault: Fault = Fault.None): Job {
  const unclaimed = state === JobState.Posted || state === JobState.Cancelled || state === JobState.Expired;
  const committed = !unclaimed && state !== JobState.Claimed && state !== JobState.Missed;
  return {
    discriminator: new Uint8Array(8),
    version: 3,
    bump: 255,
    state,
    client: SOMEBODY,
    jobId: 7n,
    paymentMint: SOMEBODY,
    node: unclaimed ? NOBODY : SOMEBODY,
    operator: NOBODY,
    payee: NOBODY,
    vault: NOBODY,
    graphRoot: NOTHING,
    paramsRoot: NOTHING,
    inputsRoot: NOTHING,
    irVersion: 1,
    symbols: [16, 0, 0, 0],
    output: { uid: new Uint8Array(8), leaves: 1, depth: 0, boundaryPosition: 0, boundaryCount: 1 },
    priceMin: 400_000n,
    priceMax: 1_600_000n,
    rampHoldSlots: 10n,
    rampSlots: 50n,
    claimSlots: 150n,
    runSlots: 750n,
    windowSlots: 450n,
    minimumStake: 1n,
    bond: 1_000_000n,
    invitedNode: NOBODY,
    protocolFeeBps: 150,
    missChargeBps: 500,
    postedSlot: 1_000n,
    claimedSlot: unclaimed ? 0n : 1_022n,
    committedSlot: committed ? 1_030n : 0n,
    price: unclaimed ? 0n : 688_000n,
    commitment: NOTHING,
    boundaryRoot: NOTHING,
    outputRoot: NOTHING,
    resultManifest: NOTHING,
    credits: { node: 0n, client: 0n, fee: 0n, audits: 0n, delegators: 0n },
    chargeCredit: 0n,
    dispute: {
      challengeBond: 100_000n,
      revealSlots: 450,
      challengerClockSlots: 9_000,
      defenderClockSlots: 9_000,
      slashBps: 2_500,
      bountyBps: 5_000,
      openingFeeLamports: 5_000n,
    },
    record: {
      challengesOpen: 0,
      validClaims: 0,
      convictedSlot: fault === Fault.None ? 0n : 1_090n,
      provenKey: NOTHING,
      fault,
      bounty: 0n,
      burnCredit: 0n,
      settled: false,
      challengesLost: 0,
    },
    audit: {
      pot: 0n,
      cap: 0n,
      attestationBond: 0n,
      validatorStake: 0n,
      beacon: NOTHING,
      epochSlots: 9_000,
      auditsPerJob: 2,
      attestations: 0,
      openAttestations: 0,
      fee: 0n,
    },
    latePriceBps: 5_000,
    delegatorsBps: 0,
    filter: { capabilities: 0n, regions: 0n, minimumScore: [0], minimumTier: 0 },
    costUnits: 40_000n,
    sortition: {
      rules: { delaySlots: 0, stepSlots: 0, firstExpected: 0, steps: 0 },
      seedSlot: 1_000n,
      epoch: 3n,
      totalWeight: 0n,
    },
    bondNumerator: 1n,
    bondDenominator: 1n,
    expectedSlots: 0n,
    lateBps: 0,
    reason: Reason.Open,
    faultSide: FaultSide.None,
    seed: { __kind: "Open" },
    unavailableOpen: 0,
    session: NOBODY,
    graphUri: "https://store.example/graph",
    paramsUri: "https://store.example/params",
    inputsUri: "https://store.example/inputs",
    storeUri: "",
  };
}

/** A tree that is opened half-way. */
export const TREE: Descent = {
  key: "sample",
  title: "Tree of tensor 9",
  depth: 6,
  moves: [
    {
      address: address("BfXKVCMXmRZQHPKmgEpi1J2y7KgJR8FgK6dunRN24mpM"),
      height: 6,
      index: 0,
      state: "answered",
      requestedSlot: 10n,
      answeredSlot: 20n,
    },
    { address: SOMEBODY, height: 2, index: 11, state: "open", requestedSlot: 30n, answeredSlot: 0n },
  ],
};

/** Scores of two images over ten digits. */
export const VECTOR = {
  shape: { dtype: Dtype.I32, dims: [2, 10] },
  bytes: new Uint8Array(
    Int32Array.from([-310, 42, 8, 1_204, -77, 3, 0, 15, -9, 60, 12, 905, -4, 33, 2, -120, 7, 81, -15, 4]).buffer,
  ),
};

/** A reputation that rose, fell with a miss, and recovered. */
export const STEPS: readonly ScoreStep[] = [
  [1_000n, 0, 21_000, "work settled in its favour"],
  [1_400n, 21_000, 38_000, "work settled in its favour"],
  [1_900n, 38_000, 29_500, "a claim ended without a result"],
  [2_600n, 29_500, 47_000, "work settled in its favour; a result was late"],
].map(([slot, before, after, why], index) => ({
  key: `${index}`,
  slot: slot as bigint,
  before: before as number,
  after: after as number,
  why: why as string,
  jobs: index === 2 ? [{ address: SOMEBODY, how: "missed" }] : [],
}));

/** What an index recorded of a node whose stake others raise and slashes reach. */
export const RECORDS: readonly IndexRecord[] = [
  record(1, 1_000n, "node_registered", {}),
  record(2, 1_040n, "node_stake", { before: "0", after: "5000000", unbonding: "0" }),
  record(3, 1_400n, "node_reputation", { before: 21_000, after: 38_000, reasons: ["settled"] }),
  record(4, 2_100n, "node_convicted", { convictions: 1, slashed: "1250000" }),
  record(5, 2_200n, "closed", { last_state: "registered", unseen_end: true }),
];

function record(id: number, slot: bigint, change: string, fields: Readonly<Record<string, unknown>>): IndexRecord {
  const exact = id !== 4;
  return { id, slot, exact, at: 1_790_000_000 + id, kind: "node", account: SOMEBODY, job: undefined, change, fields };
}

/** Seconds at the beginning of the last of the hours below. */
export const SAMPLE_HOUR = 1_789_999_200;

/** Totals of some hours. */
export const STATS: IndexStats = {
  slot: 3_000n,
  nodes: 12,
  jobsByState: new Map([[JobState.Settled, 91]]),
  hours: [4, 9, 0, 7, 11, 3].map((settled, index) => ({
    beginsAt: SAMPLE_HOUR - index * 3_600,
    posted: settled + 1,
    settled,
    convicted: index === 1 ? 1 : 0,
    missed: 0,
    unclaimed: 1,
    volume: new Map([[SOMEBODY as string, BigInt(settled) * 700_000n]]),
    slashed: index === 1 ? 1_250_000n : 0n,
  })),
};

/** How an index can stand. */
export const STANDINGS: readonly IndexStanding[] = [
  { state: "connecting" },
  { state: "live" },
  { state: "behind", slots: 1_204n },
  { state: "behind", slots: 0n },
  { state: "foreign" },
  { state: "away", reason: "http://127.0.0.1:8920 does not answer.", isNoIndex: false },
  { state: "away", reason: "The index serves a snapshot that this app cannot read.", isNoIndex: true },
];

/** What happens with delegated stake, by the names of its events. */
export const DELEGATION_EVENTS = [
  "DelegationPoolOpened",
  "CommissionSet",
  "Delegated",
  "DelegationRewardCollected",
  "DelegationRewardWithdrawn",
  "DelegationSlashed",
  "Undelegated",
  "DelegationWithdrawn",
  "DelegationClosed",
  "DelegationPoolClosed",
] as const;
