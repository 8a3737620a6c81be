/** The kinds of accounts that the app shows: how each is told from the others and read. */

import * as program from "@assay/client/generated";
import type { Address, ReadonlyUint8Array } from "@solana/kit";
import { LAYOUTS } from "./generated/layouts.ts";
import { readAccount } from "./layout.ts";

/** What each kind of account holds. */
export interface Accounts {
  network: program.Network;
  paymentMint: program.PaymentMint;
  job: program.Job;
  node: program.Node;
  challenge: program.Challenge;
  demand: program.Demand;
  segmentClaim: program.SegmentClaim;
  session: program.Session;
  budget: program.Budget;
  proposal: program.Proposal;
  validator: program.Validator;
  client: program.Client;
  rewardPool: program.RewardPool;
}

/** The name of a kind. */
export type Kind = keyof Accounts;

/** One account: where it is, and what it held. */
export interface Row<K extends Kind> {
  readonly address: Address;
  readonly data: Accounts[K];
}

interface Description<T> {
  readonly discriminator: ReadonlyUint8Array;
  /** Reads an account; throws where the bytes are of another layout. */
  read(bytes: ReadonlyUint8Array): T;
}

function description<T>(name: string, discriminator: ReadonlyUint8Array): Description<T> {
  const layout = LAYOUTS[name];
  if (layout === undefined) throw new Error(`The layout of ${name} was not generated.`);
  // That it reads what the codecs read is what the tests compare.
  return { discriminator, read: (bytes) => readAccount(layout, bytes) as T };
}

/** How every kind is told apart and read. The order is the one in which they are loaded: what every page needs comes first. */
export const KINDS: { readonly [K in Kind]: Description<Accounts[K]> } = {
  network: description("Network", program.NETWORK_DISCRIMINATOR),
  paymentMint: description("PaymentMint", program.PAYMENT_MINT_DISCRIMINATOR),
  node: description("Node", program.NODE_DISCRIMINATOR),
  job: description("Job", program.JOB_DISCRIMINATOR),
  challenge: description("Challenge", program.CHALLENGE_DISCRIMINATOR),
  session: description("Session", program.SESSION_DISCRIMINATOR),
  demand: description("Demand", program.DEMAND_DISCRIMINATOR),
  segmentClaim: description("SegmentClaim", program.SEGMENT_CLAIM_DISCRIMINATOR),
  budget: description("Budget", program.BUDGET_DISCRIMINATOR),
  proposal: description("Proposal", program.PROPOSAL_DISCRIMINATOR),
  validator: description("Validator", program.VALIDATOR_DISCRIMINATOR),
  client: description("Client", program.CLIENT_DISCRIMINATOR),
  rewardPool: description("RewardPool", program.REWARD_POOL_DISCRIMINATOR),
};

/** All kinds, in the order in which they are loaded. */
export const ALL_KINDS = Object.keys(KINDS) as Kind[];

const KIND_BY_DISCRIMINATOR = new Map(ALL_KINDS.map((kind) => [keyOf(KINDS[kind].discriminator), kind]));

/** The kind of an account by its first eight bytes; `undefined` for what the app does not show. */
export function kindOf(bytes: ReadonlyUint8Array): Kind | undefined {
  return bytes.length < 8 ? undefined : KIND_BY_DISCRIMINATOR.get(keyOf(bytes));
}

function keyOf(bytes: ReadonlyUint8Array): string {
  return bytes.slice(0, 8).join(",");
}
