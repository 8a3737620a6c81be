/** A job as it would be posted, to ask the rules about it before it exists. */
import { Fault, FaultSide, type Job, JobState, type Network, NOBODY, type PaymentMint, Reason } from "@assay/client";
import type { Offer, Work } from "../../model/offer.ts";

const NOTHING = new Uint8Array(32);

/** The account that posting would create, but for what only the chain knows. */
export function templateJob(work: Work, offer: Offer, mint: PaymentMint, network: Network): Job {
  const { dispute } = network.parameters;
  const { auditPot, auditCap, invitedNode, filter, ...terms } = offer;
  return {
    ...work,
    ...terms,
    discriminator: new Uint8Array(8),
    version: 0,
    bump: 0,
    state: JobState.Posted,
    client: NOBODY,
    jobId: 0n,
    paymentMint: mint.mint,
    node: NOBODY,
    operator: NOBODY,
    payee: NOBODY,
    vault: NOBODY,
    invitedNode: invitedNode ?? NOBODY,
    postedSlot: 0n,
    claimedSlot: 0n,
    committedSlot: 0n,
    price: 0n,
    commitment: NOTHING,
    boundaryRoot: NOTHING,
    outputRoot: NOTHING,
    resultManifest: NOTHING,
    credits: { node: 0n, client: 0n, fee: 0n, audits: 0n, delegators: 0n },
    chargeCredit: 0n,
    dispute: { challengeBond: 0n, ...dispute },
    record: {
      challengesOpen: 0,
      validClaims: 0,
      convictedSlot: 0n,
      provenKey: NOTHING,
      fault: Fault.None,
      bounty: 0n,
      burnCredit: 0n,
      settled: false,
      challengesLost: 0,
    },
    audit: {
      pot: auditPot,
      cap: auditCap,
      attestationBond: 0n,
      validatorStake: network.validatorStake,
      beacon: NOTHING,
      epochSlots: network.parameters.audit.epochSlots,
      auditsPerJob: network.parameters.audit.auditsPerJob,
      attestations: 0,
      openAttestations: 0,
      fee: 0n,
    },
    latePriceBps: network.parameters.scheduling.latePriceBps,
    delegatorsBps: 0,
    filter: filter ?? { capabilities: 0n, regions: 0n, minimumScore: [0], minimumTier: 0 },
    sortition: { rules: network.parameters.scheduling.opening, seedSlot: 0n, epoch: 0n, totalWeight: 0n },
    bondNumerator: mint.bondNumerator,
    bondDenominator: mint.bondDenominator,
    expectedSlots: 0n,
    lateBps: 0,
    reason: Reason.Open,
    faultSide: FaultSide.None,
    seed: { __kind: "Open" },
    unavailableOpen: 0,
    session: NOBODY,
  };
}
