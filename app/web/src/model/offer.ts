/** What a client offers: from what was typed to the arguments of `post_job`, or to what is wrong with it in sentences. */
import {
  type Job,
  type JobFilter,
  minimumBond,
  mostUriBytes,
  type Network,
  type PaymentMint,
  type PostJobArgsArgs,
  sortitionSlots,
  uriBytes,
} from "@assay/client";
import type { Address } from "@solana/kit";
import { DraftReader, type FaultsOf } from "./draft-reader.ts";
import type { Terms } from "./refunds.ts";

/** What is to be computed, with everything that a job pins about it. */
export type Work = Pick<
  Job,
  | "graphRoot"
  | "paramsRoot"
  | "inputsRoot"
  | "irVersion"
  | "symbols"
  | "output"
  | "graphUri"
  | "paramsUri"
  | "inputsUri"
  | "costUnits"
>;

/** What was typed. */
export interface Draft {
  readonly priceMin: string;
  readonly priceMax: string;
  readonly holdSlots: string;
  readonly riseSlots: string;
  readonly claimSlots: string;
  readonly runSlots: string;
  readonly windowSlots: string;
  readonly auditPot: string;
  readonly auditCap: string;
  readonly invitedNode: string;
  readonly storeUri: string;
  readonly minimumStake: string;
  /** Regions with commas between them; none: everywhere. */
  readonly regions: string;
  /** Numbers of capabilities with commas between them. */
  readonly capabilities: string;
  readonly minimumTier: string;
  /** In percent. */
  readonly minimumScore: string;
}

/** The fields of a draft. */
export type Field = keyof Draft;

/** What is wrong, by field. */
export type Faults = FaultsOf<Draft>;

/** An offer that the program would take. */
export interface Offer extends Terms {
  readonly rampHoldSlots: bigint;
  readonly rampSlots: bigint;
  readonly minimumStake: bigint;
  readonly invitedNode: Address | null;
  readonly storeUri: string;
  /** Which nodes may claim, by what they say and show of themselves; `null` where all may. */
  readonly filter: JobFilter | null;
}

/** A draft to begin with: a price that holds for 10 slots and rises within 50. */
export function firstDraft(network: Network): Draft {
  const { parameters } = network;
  const least = (wished: bigint, most: bigint) => (wished < most ? wished : most).toString();
  const hold = leastHold(network);
  return {
    priceMin: "",
    priceMax: "",
    holdSlots: (hold > 10n ? hold : 10n).toString(),
    riseSlots: "50",
    claimSlots: least(hold + 150n, parameters.maximumClaimSlots),
    runSlots: least(750n, parameters.maximumRunSlots),
    windowSlots: parameters.minimumWindowSlots.toString(),
    auditPot: "",
    auditCap: "",
    invitedNode: "",
    storeUri: "",
    minimumStake: "",
    regions: "",
    capabilities: "",
    minimumTier: "",
    minimumScore: "",
  };
}

/** How long the price has to hold: as long as claims are not open to all. */
export function leastHold({ parameters }: Pick<Network, "parameters">): bigint {
  return sortitionSlots(parameters.scheduling.opening);
}

/** The decimals that amounts of an offer have. */
export interface Decimals {
  readonly payment: number;
  readonly stake: number;
}

/** The offer, or everything that is wrong with the draft. */
export function readOffer(
  draft: Draft,
  network: Network,
  mint: PaymentMint,
  decimals: Decimals,
): { offer: Offer } | { faults: Faults } {
  const reader = new DraftReader(draft);
  const { parameters } = network;
  const priceMin = reader.amount("priceMin", decimals.payment);
  const priceMax = reader.amount("priceMax", decimals.payment);
  const rampHoldSlots = reader.slots("holdSlots", leastHold(network), parameters.maximumClaimSlots);
  const rampSlots = reader.slots("riseSlots", 0n, parameters.maximumClaimSlots);
  const claimSlots = reader.slots("claimSlots", 1n, parameters.maximumClaimSlots);
  const runSlots = reader.slots("runSlots", 1n, parameters.maximumRunSlots);
  const windowSlots = reader.slots("windowSlots", parameters.minimumWindowSlots, parameters.maximumWindowSlots);
  const auditPot = reader.amountOrNothing("auditPot", decimals.payment);
  const auditCap = reader.amountOrNothing("auditCap", decimals.payment);
  const minimumStake =
    draft.minimumStake === "" ? parameters.minimumStake : reader.amount("minimumStake", decimals.stake);
  const invitedNode = reader.address("invitedNode");
  reader.uri("storeUri");
  const filter = readFilter(reader);
  reader.rule("priceMax", priceMax === 0n, "The highest price has to be more than nothing.");
  reader.rule("priceMin", priceMin > priceMax, "The first price is above the highest one.");
  reader.rule(
    "claimSlots",
    rampHoldSlots + rampSlots > claimSlots,
    "The price would reach its highest only after the last slot of claiming.",
  );
  reader.rule("auditCap", auditPot > 0n && auditCap === 0n, "Say the most that one validator earns.");
  reader.rule("auditCap", auditCap > auditPot, "One validator cannot earn more than the whole pot.");
  const epochs = 2n * BigInt(parameters.audit.epochSlots);
  reader.rule(
    "windowSlots",
    auditPot > 0n && windowSlots < epochs,
    `An audit needs a window of two epochs: at least ${epochs} slots.`,
  );
  if (reader.hasFaults) return { faults: reader.faults };
  const bond = minimumBond(priceMax, mint, parameters.minimumBondBps);
  const { protocolFeeBps, missChargeBps } = parameters;
  const { latePriceBps } = parameters.scheduling;
  return {
    offer: {
      priceMin,
      priceMax,
      rampHoldSlots,
      rampSlots,
      claimSlots,
      runSlots,
      windowSlots,
      auditPot,
      auditCap,
      minimumStake,
      invitedNode,
      storeUri: draft.storeUri.trim(),
      filter,
      bond,
      protocolFeeBps,
      missChargeBps,
      latePriceBps,
    },
  };
}

/** The most halvings of a cost unit that a declared speed can have. */
const MOST_TIER = 64;
/** A whole score, in which the program counts. */
const WHOLE_SCORE = 65_536n;
const WHOLE_BASIS_POINTS = 10_000n;

/** What the client asks of nodes; `null` where it asks for nothing. */
function readFilter(reader: DraftReader<Draft>): JobFilter | null {
  const score = reader.basisPoints("minimumScore");
  const filter: JobFilter = {
    capabilities: reader.bits("capabilities"),
    regions: reader.bits("regions"),
    // Rounded up, so that a node that is shown with this share has it.
    minimumScore: [Number((score * WHOLE_SCORE + WHOLE_BASIS_POINTS - 1n) / WHOLE_BASIS_POINTS)],
    minimumTier: reader.whole("minimumTier", 0, MOST_TIER),
  };
  reader.rule("minimumScore", filter.minimumScore[0] >= WHOLE_SCORE, "No node ever has all of 100 %; choose less.");
  const asksNothing =
    filter.capabilities === 0n && filter.regions === 0n && filter.minimumScore[0] === 0 && filter.minimumTier === 0;
  return asksNothing ? null : filter;
}

/** The arguments of `post_job`. */
export function postArguments(work: Work, offer: Offer, jobId: bigint): PostJobArgsArgs {
  const { protocolFeeBps: _fee, missChargeBps: _charge, latePriceBps: _late, ...terms } = offer;
  return { jobId, ...work, ...terms };
}

/** Bytes of a job's account whose addresses of artifacts are empty: with room for the number that draws who comes first. */
export const JOB_BYTES = 1_021;

/** Bytes of a token account. */
export const VAULT_BYTES = 165;

/** Bytes of the account that counts a client's jobs and sessions. It is made with the first of them and never closed. */
export const COUNTER_BYTES = 54;

/** Lamports that a signature costs. */
export const SIGNATURE_LAMPORTS = 5_000n;

/** Lamports that an account of so many bytes holds as long as it exists. */
export function rentLamports(bytes: number): bigint {
  return BigInt(128 + bytes) * 6_960n;
}

/** Bytes of the accounts that posting creates and closing returns. */
export function accountBytes(work: Work, offer: Offer): readonly number[] {
  return [JOB_BYTES + uriBytes({ ...work, ...offer }), VAULT_BYTES];
}

/** What the chain itself takes, in lamports. */
export interface ChainCosts {
  /** Rent that returns when the accounts are closed. */
  readonly returned: bigint;
  /** Rent of the client's counter, where it has none yet: it does not return. */
  readonly kept: bigint;
  /** The fee of the transaction, which one key signs. */
  readonly fee: bigint;
  /** All of them. */
  readonly whole: bigint;
}

/** What creating accounts of so many bytes takes, and the counter if the client has none. */
export function chainCosts(accounts: readonly number[], hasCounter: boolean): ChainCosts {
  const returned = accounts.reduce((sum, bytes) => sum + rentLamports(bytes), 0n);
  const kept = hasCounter ? 0n : rentLamports(COUNTER_BYTES);
  return { returned, kept, fee: SIGNATURE_LAMPORTS, whole: returned + kept + SIGNATURE_LAMPORTS };
}

/** Bytes of a transaction that the instruction takes which bounds its compute units. */
export const UNIT_LIMIT_BYTES = 40;
/** Bytes that a budget takes of a transaction. */
export const BUDGET_BYTES = 33;

/** What is wrong with the addresses together: each may be as long as an account can hold, and all share one transaction. */
export function addressesFault(work: Work, offer: Offer, isBudget: boolean): string | undefined {
  const bytes = uriBytes({ ...work, ...offer });
  const most = mostUriBytes(offer) - UNIT_LIMIT_BYTES - (isBudget ? BUDGET_BYTES : 0);
  if (bytes <= most) return undefined;
  return `The addresses of graph, params, inputs and store have ${bytes} characters together, and the transaction has room for ${most}. Serve them under a shorter address, name no store, or ask less of nodes.`;
}
