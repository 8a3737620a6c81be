/** Following jobs. */
import type {
  AccountNotificationsApi,
  Address,
  GetAccountInfoApi,
  GetProgramAccountsApi,
  ProgramNotificationsApi,
} from "@solana/kit";
import type { Job } from "../generated/accounts/index.js";
import { LAYOUTS, readLayout } from "../layouts.js";
import {
  type AccountFilter,
  type AccountState,
  type Connections,
  type FollowAccountOptions,
  followAccount,
  followProgramAccounts,
} from "./accounts.js";
import type { Observed } from "./follow.js";

/** Every state of one job, the present one first; none before it is posted and after it is closed. */
export async function* followJob(
  connections: Connections<GetAccountInfoApi, AccountNotificationsApi>,
  job: Address,
  options: FollowAccountOptions = {},
): AsyncGenerator<Observed<Address, Job>, void, undefined> {
  for await (const change of followAccount(connections, job, options)) yield decoded(change);
}

/** Every change of jobs, all present ones first; more filters narrow them. */
export async function* followJobs(
  connections: Connections<GetProgramAccountsApi, ProgramNotificationsApi>,
  filters: readonly AccountFilter[] = [],
  options: FollowAccountOptions = {},
): AsyncGenerator<Observed<Address, Job>, void, undefined> {
  const jobs = [{ offset: 0, bytes: LAYOUTS.job.head }, ...filters];
  for await (const change of followProgramAccounts(connections, jobs, options)) yield decoded(change);
}

function decoded({ key, slot, value }: Observed<Address, AccountState>): Observed<Address, Job> {
  return { key, slot, value: value === null ? null : readLayout(LAYOUTS.job, value.data) };
}
