/** Every way in which a job can end, with what the client gets back and by when. Said before a client signs. */
import { type Job, JobState, minimumBond, missChargeOf, type Network, settlementOf } from "@assay/client";

/** The terms that decide who gets what. */
export type Terms = Pick<
  Job,
  | "priceMin"
  | "priceMax"
  | "claimSlots"
  | "runSlots"
  | "windowSlots"
  | "bond"
  | "protocolFeeBps"
  | "missChargeBps"
  | "latePriceBps"
> & { readonly auditPot: bigint; readonly auditCap: bigint };

/** One way in which a job can end. */
export interface Ending {
  readonly key: "cancelled" | "expired" | "missed" | "convicted" | "settled";
  readonly title: string;
  readonly sentence: string;
  /** Comes back, in base units of the payment mint: at least and at most. */
  readonly back: readonly [bigint, bigint];
  /** Comes on top, in base units of the stake mint. */
  readonly charge: bigint;
  /** The most slots from posting until it is decided, without disputes. */
  readonly slots: bigint;
}

/** What is escrowed at most. */
export function escrow(terms: Terms): bigint {
  return terms.priceMax + terms.auditPot;
}

/** All endings of a job with these terms, the good one first. */
export function endings(terms: Terms): readonly Ending[] {
  const whole = escrow(terms);
  const longest = terms.claimSlots + terms.runSlots + terms.windowSlots;
  const settled = (price: bigint, attestations: number, lateBps: number) =>
    settlementOf({
      priceMax: terms.priceMax,
      price,
      lateBps,
      latePriceBps: terms.latePriceBps,
      protocolFeeBps: terms.protocolFeeBps,
      // The delegators' share is taken out of the node's: what returns to the client is the same.
      delegatorsBps: 0,
      audit: { pot: terms.auditPot, cap: terms.auditCap, attestations },
    }).client;
  const fewest = terms.auditCap === 0n ? 0 : Number(ceiling(terms.auditPot, terms.auditCap));
  return [
    {
      key: "settled",
      title: "The result stands",
      sentence:
        "You pay the price at which a node claimed, and less for a late result. The rest returns, and what validators do not earn of the audit pot.",
      back: [settled(terms.priceMax, fewest, 0), settled(terms.priceMin, 0, 10_000)],
      charge: 0n,
      slots: longest,
    },
    {
      key: "cancelled",
      title: "You change your mind",
      sentence: "Before a node claims, you can take the job back at any time.",
      back: [whole, whole],
      charge: 0n,
      slots: terms.claimSlots,
    },
    {
      key: "expired",
      title: "No node claims it",
      sentence: "When the claim window is over, anybody can have everything returned to you.",
      back: [whole, whole],
      charge: 0n,
      slots: terms.claimSlots,
    },
    {
      key: "missed",
      title: "The node brings no result",
      sentence: "You have everything back, and a charge out of the node's bond for the time you lost.",
      back: [whole, whole],
      charge: missChargeOf(terms),
      slots: terms.claimSlots + terms.runSlots,
    },
    {
      key: "convicted",
      title: "The result is proved wrong, or withheld",
      sentence: "You have everything back. The node loses its bond and a part of its stake.",
      back: [whole, whole],
      charge: 0n,
      slots: longest,
    },
  ];
}

/** The least bond that the network takes for these prices. */
export function leastBond(
  priceMax: bigint,
  mint: { readonly bondNumerator: bigint; readonly bondDenominator: bigint },
  network: Network,
): bigint {
  return minimumBond(priceMax, mint, network.parameters.minimumBondBps);
}

/** Who gets what of a job that has ended, or would get if it ended now as it should; `undefined` before the claim. */
export function shares(job: Job):
  | {
      readonly node: bigint;
      readonly client: bigint;
      readonly fee: bigint;
      readonly audits: bigint;
      readonly delegators: bigint;
    }
  | undefined {
  switch (job.state) {
    case JobState.Posted:
      return undefined;
    case JobState.Cancelled:
    case JobState.Expired:
    case JobState.Missed:
    case JobState.Convicted:
      return { node: 0n, client: job.priceMax + job.audit.pot, fee: 0n, audits: 0n, delegators: 0n };
    default:
      return settlementOf(job);
  }
}

function ceiling(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}
