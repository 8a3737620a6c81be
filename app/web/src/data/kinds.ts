/** The kinds of accounts that the app shows: how each is told from the others and read. */
import type { Address, ReadonlyUint8Array } from "@solana/kit";
import * as program from "@assay/client/generated";

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
  readonly decoder: { decode(bytes: ReadonlyUint8Array): T };
}

/** How every kind is told apart and read. The order is the one in which they are loaded: what every page needs comes first. */
export const KINDS: { readonly [K in Kind]: Description<Accounts[K]> } = {
  network: { discriminator: program.NETWORK_DISCRIMINATOR, decoder: program.getNetworkDecoder() },
  paymentMint: { discriminator: program.PAYMENT_MINT_DISCRIMINATOR, decoder: program.getPaymentMintDecoder() },
  node: { discriminator: program.NODE_DISCRIMINATOR, decoder: program.getNodeDecoder() },
  job: { discriminator: program.JOB_DISCRIMINATOR, decoder: program.getJobDecoder() },
  challenge: { discriminator: program.CHALLENGE_DISCRIMINATOR, decoder: program.getChallengeDecoder() },
  session: { discriminator: program.SESSION_DISCRIMINATOR, decoder: program.getSessionDecoder() },
  demand: { discriminator: program.DEMAND_DISCRIMINATOR, decoder: program.getDemandDecoder() },
  segmentClaim: { discriminator: program.SEGMENT_CLAIM_DISCRIMINATOR, decoder: program.getSegmentClaimDecoder() },
  budget: { discriminator: program.BUDGET_DISCRIMINATOR, decoder: program.getBudgetDecoder() },
  proposal: { discriminator: program.PROPOSAL_DISCRIMINATOR, decoder: program.getProposalDecoder() },
  validator: { discriminator: program.VALIDATOR_DISCRIMINATOR, decoder: program.getValidatorDecoder() },
  client: { discriminator: program.CLIENT_DISCRIMINATOR, decoder: program.getClientDecoder() },
  rewardPool: { discriminator: program.REWARD_POOL_DISCRIMINATOR, decoder: program.getRewardPoolDecoder() },
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
