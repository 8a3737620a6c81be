/** How accounts of each kind begin, and reading those alone that are in the layout of this program. */

import type { ReadonlyUint8Array } from "@solana/kit";
import { type Address, type Decoder, fetchEncodedAccount, type GetAccountInfoApi, type Rpc } from "@solana/kit";
import { ClientFailure } from "./failure.js";
import * as accounts from "./generated/accounts/index.js";
import { sameBytes } from "./hashes.js";

/** One kind of account in one version of its layout. */
export interface Layout<Data> {
  /** The kind, as the program names it. */
  readonly name: string;
  /** With which every account of this kind and version begins: the discriminator and the version. */
  readonly head: ReadonlyUint8Array;
  /** Reads the whole account. */
  readonly decoder: () => Decoder<Data>;
}

/** All kinds in the versions that this program writes. An older account waits for `assay network migrate`. */
export const LAYOUTS = {
  attestation: layout("Attestation", accounts.ATTESTATION_DISCRIMINATOR, 1, accounts.getAttestationDecoder),
  budget: layout("Budget", accounts.BUDGET_DISCRIMINATOR, 1, accounts.getBudgetDecoder),
  buffer: layout("Buffer", accounts.BUFFER_DISCRIMINATOR, 1, accounts.getBufferDecoder),
  challenge: layout("Challenge", accounts.CHALLENGE_DISCRIMINATOR, 1, accounts.getChallengeDecoder),
  client: layout("Client", accounts.CLIENT_DISCRIMINATOR, 1, accounts.getClientDecoder),
  delegation: layout("Delegation", accounts.DELEGATION_DISCRIMINATOR, 1, accounts.getDelegationDecoder),
  delegationPool: layout(
    "DelegationPool",
    accounts.DELEGATION_POOL_DISCRIMINATOR,
    1,
    accounts.getDelegationPoolDecoder,
  ),
  demand: layout("Demand", accounts.DEMAND_DISCRIMINATOR, 1, accounts.getDemandDecoder),
  job: layout("Job", accounts.JOB_DISCRIMINATOR, 3, accounts.getJobDecoder),
  network: layout("Network", accounts.NETWORK_DISCRIMINATOR, 3, accounts.getNetworkDecoder),
  node: layout("Node", accounts.NODE_DISCRIMINATOR, 2, accounts.getNodeDecoder),
  paymentMint: layout("PaymentMint", accounts.PAYMENT_MINT_DISCRIMINATOR, 1, accounts.getPaymentMintDecoder),
  proposal: layout("Proposal", accounts.PROPOSAL_DISCRIMINATOR, 1, accounts.getProposalDecoder),
  rewardPool: layout("RewardPool", accounts.REWARD_POOL_DISCRIMINATOR, 1, accounts.getRewardPoolDecoder),
  segmentClaim: layout("SegmentClaim", accounts.SEGMENT_CLAIM_DISCRIMINATOR, 1, accounts.getSegmentClaimDecoder),
  session: layout("Session", accounts.SESSION_DISCRIMINATOR, 1, accounts.getSessionDecoder),
  stakeRegister: layout("StakeRegister", accounts.STAKE_REGISTER_DISCRIMINATOR, 1, accounts.getStakeRegisterDecoder),
  validator: layout("Validator", accounts.VALIDATOR_DISCRIMINATOR, 1, accounts.getValidatorDecoder),
} as const;

/** What an account holds; none if it is of another kind or of another version, or cannot be read. */
export function readLayout<Data>({ head, decoder }: Layout<Data>, data: ReadonlyUint8Array): Data | null {
  if (!sameBytes(data.slice(0, head.length), head)) return null;
  try {
    return decoder().decode(data);
  } catch {
    return null;
  }
}

/** What the account at an address holds; none if there is none. `T0404` if it is of another kind or version. */
export async function fetchLayout<Data>(
  rpc: Rpc<GetAccountInfoApi>,
  layout: Layout<Data>,
  address: Address,
): Promise<Data | null> {
  const account = await fetchEncodedAccount(rpc, address, { commitment: "confirmed" });
  if (!account.exists) return null;
  const data = readLayout(layout, account.data);
  if (data !== null) return data;
  throw new ClientFailure(
    "T0404",
    `${address} is no ${layout.name} in the layout of this program`,
    "look at the address and the cluster; an older account needs `assay network migrate`, a newer one a newer client",
  );
}

function layout<Data>(
  name: string,
  discriminator: ReadonlyUint8Array,
  version: number,
  decoder: () => Decoder<Data>,
): Layout<Data> {
  return { name, head: Uint8Array.of(...discriminator, version), decoder };
}
