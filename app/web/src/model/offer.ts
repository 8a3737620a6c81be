/** What a client offers: from what was typed to the arguments of `post_job`, or to what is wrong with it in sentences. */
import {
  type Job,
  MAXIMUM_URI_BYTES,
  minimumBond,
  type Network,
  type PaymentMint,
  type PostJobArgsArgs,
  sortitionSlots,
} from "@assay/client";
import type { Address } from "@solana/kit";
import { parseAmount } from "./amounts.ts";
import { parseAddress } from "./keys.ts";
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
}

/** The fields of a draft. */
export type Field = keyof Draft;

/** What is wrong, by field. */
export type Faults = Readonly<Partial<Record<Field, string>>>;

/** An offer that the program would take. */
export interface Offer extends Terms {
  readonly rampHoldSlots: bigint;
  readonly rampSlots: bigint;
  readonly minimumStake: bigint;
  readonly invitedNode: Address | null;
  readonly storeUri: string;
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
  const reader = new Reader(draft);
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
      bond,
      protocolFeeBps,
      missChargeBps,
      latePriceBps,
    },
  };
}

/** The arguments of `post_job`. */
export function postArguments(work: Work, offer: Offer, jobId: bigint): PostJobArgsArgs {
  const { protocolFeeBps: _fee, missChargeBps: _charge, latePriceBps: _late, ...terms } = offer;
  return { jobId, ...work, ...terms, filter: null };
}

/** Bytes of a job's account whose addresses of artifacts are empty: with room for the number that draws who comes first. */
export const JOB_BYTES = 1_021;

/** Bytes of a token account. */
export const VAULT_BYTES = 165;

/** Bytes of the accounts that posting creates and closing returns. */
export function accountBytes(work: Work, offer: Offer): readonly number[] {
  const addresses = work.graphUri.length + work.paramsUri.length + work.inputsUri.length + offer.storeUri.length;
  return [JOB_BYTES + addresses, VAULT_BYTES];
}

class Reader {
  readonly faults: Partial<Record<Field, string>> = {};

  constructor(private readonly draft: Draft) {}

  get hasFaults(): boolean {
    return Object.keys(this.faults).length > 0;
  }

  /** The first fault of a field is the one that is said. */
  rule(field: Field, broken: boolean, sentence: string): void {
    if (broken) this.faults[field] ??= sentence;
  }

  amount(field: Field, decimals: number): bigint {
    const parsed = parseAmount(this.draft[field], decimals);
    if ("value" in parsed) return parsed.value;
    this.faults[field] ??= parsed.error;
    return 0n;
  }

  amountOrNothing(field: Field, decimals: number): bigint {
    return this.draft[field].trim() === "" ? 0n : this.amount(field, decimals);
  }

  slots(field: Field, least: bigint, most: bigint): bigint {
    const text = this.draft[field].trim();
    const value = /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
    if (value === undefined) this.faults[field] ??= "Enter a whole number of slots.";
    else if (value < least || value > most) this.faults[field] ??= `Choose ${least} to ${most} slots.`;
    return value ?? 0n;
  }

  address(field: Field): Address | null {
    if (this.draft[field].trim() === "") return null;
    const parsed = parseAddress(this.draft[field]);
    if ("value" in parsed) return parsed.value;
    this.faults[field] ??= parsed.error;
    return null;
  }

  uri(field: Field): void {
    const text = this.draft[field].trim();
    if (text === "") return;
    this.rule(
      field,
      !/^https?:\/\/[\x21-\x7e]+$/.test(text),
      "It has to begin with http:// or https:// and hold no spaces.",
    );
    this.rule(field, text.length > MAXIMUM_URI_BYTES, `It may have at most ${MAXIMUM_URI_BYTES} characters.`);
  }
}
