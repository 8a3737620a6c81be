/** Data for stories. */
import { Dtype, Fault, FaultSide, type Job, JobState, NOBODY, Reason } from "@assay/client";
import { address } from "@solana/kit";
import type { Descent } from "../model/dispute-view.ts";

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
