/** Lists of the program's accounts of one kind. */
import type { Address, Decoder, GetProgramAccountsApi, ReadonlyUint8Array, Rpc } from "@solana/kit";
import { type AccountFilter, readProgramAccounts } from "./follow/accounts.js";
import * as accounts from "./generated/accounts/index.js";
import { sameBytes } from "./hashes.js";

/** An account that was read: its address and what it holds. */
export interface Listed<Data> {
  readonly address: Address;
  readonly data: Data;
}

/** Every account of one kind that passes the filters. Those of an earlier layout are left out: `assay network migrate`. */
type List<Data> = (rpc: Rpc<GetProgramAccountsApi>, filters?: readonly AccountFilter[]) => Promise<Listed<Data>[]>;

function listOf<Data>(discriminator: ReadonlyUint8Array, decoder: () => Decoder<Data>): List<Data> {
  return async (rpc, filters = []) => {
    const { values } = await readProgramAccounts(rpc, [{ offset: 0, bytes: discriminator }, ...filters]);
    return [...values].flatMap(([address, { data }]) => {
      const isKind = sameBytes(data.slice(0, discriminator.length), discriminator);
      const decoded = isKind ? readOrNull(decoder(), data) : null;
      return decoded === null ? [] : [{ address, data: decoded }];
    });
  };
}

/** Jobs, receipts that were called in among them. */
export const listJobs: List<accounts.Job> = listOf(accounts.JOB_DISCRIMINATOR, accounts.getJobDecoder);
/** Nodes. */
export const listNodes: List<accounts.Node> = listOf(accounts.NODE_DISCRIMINATOR, accounts.getNodeDecoder);
/** Sessions. */
export const listSessions: List<accounts.Session> = listOf(accounts.SESSION_DISCRIMINATOR, accounts.getSessionDecoder);
/** Validators. */
export const listValidators: List<accounts.Validator> = listOf(
  accounts.VALIDATOR_DISCRIMINATOR,
  accounts.getValidatorDecoder,
);
/** Challenges of jobs. */
export const listChallenges: List<accounts.Challenge> = listOf(
  accounts.CHALLENGE_DISCRIMINATOR,
  accounts.getChallengeDecoder,
);
/** Budgets. */
export const listBudgets: List<accounts.Budget> = listOf(accounts.BUDGET_DISCRIMINATOR, accounts.getBudgetDecoder);
/** Proposals of governance that are not carried out. */
export const listProposals: List<accounts.Proposal> = listOf(
  accounts.PROPOSAL_DISCRIMINATOR,
  accounts.getProposalDecoder,
);
/** Payment mints, disabled ones included. */
export const listPaymentMints: List<accounts.PaymentMint> = listOf(
  accounts.PAYMENT_MINT_DISCRIMINATOR,
  accounts.getPaymentMintDecoder,
);

function readOrNull<Data>(decoder: Decoder<Data>, data: ReadonlyUint8Array): Data | null {
  try {
    return decoder.decode(data);
  } catch {
    return null;
  }
}
