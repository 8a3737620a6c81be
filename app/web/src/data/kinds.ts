/** The kinds of accounts that the app shows: how each is told from the others and read. */

import { LAYOUTS, type Layout } from "@assay/client";
import type * as program from "@assay/client/generated";
import type { Address, ReadonlyUint8Array } from "@solana/kit";
import { sameBytes } from "../model/keys.ts";
import { LAYOUTS as TABLES } from "./generated/layouts.ts";
import { readAccount } from "./layout.ts";

const DISCRIMINATOR_BYTES = 8;

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
  delegationPool: program.DelegationPool;
  delegation: program.Delegation;
}

/** The name of a kind. */
export type Kind = keyof Accounts;

/** One account: where it is, and what it held. */
export interface Row<K extends Kind> {
  readonly address: Address;
  readonly data: Accounts[K];
}

interface Description<T> {
  /** The first eight bytes of every account of the kind. */
  readonly discriminator: ReadonlyUint8Array;
  /** Reads an account; throws where the bytes are of another version. */
  read(bytes: ReadonlyUint8Array): T;
}

function description<T>({ name, head }: Pick<Layout<T>, "name" | "head">): Description<T> {
  const layout = TABLES[name];
  if (layout === undefined) throw new Error(`The layout of ${name} was not generated.`);
  return {
    discriminator: head.slice(0, DISCRIMINATOR_BYTES),
    read(bytes) {
      if (!sameBytes(bytes.slice(0, head.length), head))
        throw new RangeError(`The ${name} has another layout than this app.`);
      // That it reads what the codecs read is what the tests compare.
      return readAccount(layout, bytes) as T;
    },
  };
}

/** How every kind is told apart and read. The order is the one in which they are loaded: what every page needs comes first. */
export const KINDS: { readonly [K in Kind]: Description<Accounts[K]> } = {
  network: description(LAYOUTS.network),
  paymentMint: description(LAYOUTS.paymentMint),
  node: description(LAYOUTS.node),
  job: description(LAYOUTS.job),
  challenge: description(LAYOUTS.challenge),
  session: description(LAYOUTS.session),
  demand: description(LAYOUTS.demand),
  segmentClaim: description(LAYOUTS.segmentClaim),
  budget: description(LAYOUTS.budget),
  proposal: description(LAYOUTS.proposal),
  validator: description(LAYOUTS.validator),
  client: description(LAYOUTS.client),
  rewardPool: description(LAYOUTS.rewardPool),
  delegationPool: description(LAYOUTS.delegationPool),
  delegation: description(LAYOUTS.delegation),
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
