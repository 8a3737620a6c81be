/** How the escrow of a job is shared out, however it ends. Amounts are base units of the mints that their names say. */
import type { Job, PaymentMint } from "./generated/accounts/index.js";
import type { CreditsArgs, JobAudit } from "./generated/types/index.js";
import { ceilingOf, checkedU64, portion, smaller, WHOLE_BASIS_POINTS } from "./integers.js";
import { earnedPrice } from "./lateness.js";

/** What the vault of a job owes to whom. */
export type CreditAmounts = { readonly [Role in keyof CreditsArgs]: bigint };

/** What decides how much is escrowed. */
export type EscrowTerms = Pick<Job, "priceMax"> & { readonly audit: Pick<JobAudit, "pot"> };

/** What decides what the node earns. */
export type PriceTerms = Pick<
  Job,
  "priceMax" | "price" | "lateBps" | "latePriceBps" | "protocolFeeBps" | "delegatorsBps"
>;

/** What decides who gets what. */
export type SettlementTerms = PriceTerms & {
  readonly audit: Pick<JobAudit, "pot" | "cap" | "attestations">;
};

/** All that the client puts into the vault: the maximum price and the audit pot. */
export function escrowOf(job: EscrowTerms): bigint {
  return checkedU64(job.priceMax + job.audit.pot);
}

/** The credits when the result stood: the node and its delegators get what it earned less the fee, attestations their part of the pot, the client the rest. */
export function settlementOf(job: SettlementTerms): CreditAmounts {
  const shared = acceptanceOf(job);
  const pot = splitAuditPot(job.audit);
  return { ...shared, audits: pot.audits, client: checkedU64(shared.client + pot.client) };
}

/** The credits when the client accepts the result before the window is over: as when it stood, but the pot stays. */
export function acceptanceOf(job: PriceTerms): CreditAmounts {
  const earned = earnedPrice(job);
  const fee = portion(earned, job.protocolFeeBps);
  const shared = checkedU64(earned - fee);
  const delegators = portion(shared, job.delegatorsBps);
  return { node: shared - delegators, client: checkedU64(job.priceMax - earned), fee, audits: 0n, delegators };
}

/** The credits when the job was cancelled, expired or missed, or its result convicted: everything back. */
export function refundOf(job: EscrowTerms): CreditAmounts {
  return { node: 0n, client: escrowOf(job), fee: 0n, audits: 0n, delegators: 0n };
}

/** What a claim without a result costs the node, in the stake mint: the client gets it. Never nothing, where there is a bond. */
export function missChargeOf(job: Pick<Job, "bond" | "missChargeBps">): bigint {
  const charge = portion(job.bond, job.missChargeBps);
  return smaller(charge > 0n ? charge : 1n, job.bond);
}

/** How a pot is shared: each attestation gets the same and at most the cap, the rest returns to the client. */
export function splitAuditPot(audit: Pick<JobAudit, "pot" | "cap" | "attestations">): {
  readonly each: bigint;
  readonly audits: bigint;
  readonly client: bigint;
} {
  const attestations = BigInt(audit.attestations);
  const each = attestations === 0n ? 0n : smaller(audit.pot / attestations, audit.cap);
  const audits = each * attestations;
  return { each, audits, client: audit.pot - audits };
}

/** The least bond of a job that pays at most `priceMax`, in the stake mint. `T0101` where no node could lock so much. */
export function minimumBond(
  priceMax: bigint,
  mint: Pick<PaymentMint, "bondNumerator" | "bondDenominator">,
  minimumBondBps: number,
): bigint {
  const divisor = mint.bondDenominator * WHOLE_BASIS_POINTS;
  const bond = ceilingOf(priceMax, mint.bondNumerator * BigInt(minimumBondBps), divisor);
  return bond > 0n ? bond : 1n;
}
