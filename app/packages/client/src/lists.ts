/** Lists of the program's accounts of one kind. */
import type { Address, GetProgramAccountsApi, Rpc } from "@solana/kit";
import { type AccountFilter, readProgramAccounts } from "./follow/accounts.js";
import type * as accounts from "./generated/accounts/index.js";
import { LAYOUTS, type Layout, readLayout } from "./layouts.js";

/** An account that was read: its address and what it holds. */
export interface Listed<Data> {
  readonly address: Address;
  readonly data: Data;
}

/** Every account of one kind that passes the filters. Those of an earlier layout are left out: `assay network migrate`. */
type List<Data> = (rpc: Rpc<GetProgramAccountsApi>, filters?: readonly AccountFilter[]) => Promise<Listed<Data>[]>;

function listOf<Data>(layout: Layout<Data>): List<Data> {
  return async (rpc, filters = []) => {
    const { values } = await readProgramAccounts(rpc, [{ offset: 0, bytes: layout.head }, ...filters]);
    return [...values].flatMap(([address, account]) => {
      const data = readLayout(layout, account.data);
      return data === null ? [] : [{ address, data }];
    });
  };
}

/** Jobs, receipts that were called in among them. */
export const listJobs: List<accounts.Job> = listOf(LAYOUTS.job);
/** Nodes. */
export const listNodes: List<accounts.Node> = listOf(LAYOUTS.node);
/** Sessions. */
export const listSessions: List<accounts.Session> = listOf(LAYOUTS.session);
/** Validators. */
export const listValidators: List<accounts.Validator> = listOf(LAYOUTS.validator);
/** Challenges of jobs. */
export const listChallenges: List<accounts.Challenge> = listOf(LAYOUTS.challenge);
/** Budgets. */
export const listBudgets: List<accounts.Budget> = listOf(LAYOUTS.budget);
/** Pools of what is delegated, one for each node that takes delegations. */
export const listDelegationPools: List<accounts.DelegationPool> = listOf(LAYOUTS.delegationPool);
/** Delegations. */
export const listDelegations: List<accounts.Delegation> = listOf(LAYOUTS.delegation);
/** Proposals of governance that are not carried out. */
export const listProposals: List<accounts.Proposal> = listOf(LAYOUTS.proposal);
/** Payment mints, disabled ones included. */
export const listPaymentMints: List<accounts.PaymentMint> = listOf(LAYOUTS.paymentMint);
