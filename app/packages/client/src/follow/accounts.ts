/** Following accounts: one of them, or all of the program's of one kind. */
import {
  type AccountNotificationsApi,
  type Address,
  type Base58EncodedBytes,
  type Base64EncodedBytes,
  type Commitment,
  type GetAccountInfoApi,
  type GetProgramAccountsApi,
  getBase58Decoder,
  getBase64Encoder,
  type ProgramNotificationsApi,
  type ReadonlyUint8Array,
  type Rpc,
  type RpcSubscriptions,
  type Slot,
} from "@solana/kit";
import { ASSAY_PROGRAM_ADDRESS } from "../generated/programs/index.js";
import { sameBytes } from "../hashes.js";
import { type FollowOptions, follow, type Observed, type Snapshot } from "./follow.js";

/** The connections that following needs; `createSolanaRpc` and `createSolanaRpcSubscriptions` make them. */
export interface Connections<Api, SubscriptionsApi> {
  readonly rpc: Rpc<Api>;
  readonly rpcSubscriptions: RpcSubscriptions<SubscriptionsApi>;
}

/** How accounts are followed. */
export interface FollowAccountOptions extends FollowOptions {
  /** How certain what is shown must be; confirmed where nothing is said. */
  readonly commitment?: Commitment;
}

/** An account's data and lamports as they were. */
export interface AccountState {
  readonly lamports: bigint;
  readonly data: ReadonlyUint8Array;
}

/** Bytes that every followed account has at a place. */
export interface AccountFilter {
  readonly offset: number;
  readonly bytes: ReadonlyUint8Array;
}

type EncodedAccount = { readonly lamports: bigint; readonly data: readonly [Base64EncodedBytes, "base64"] };

/** Every state of one account, the present one first; none while it does not exist. */
export function followAccount(
  { rpc, rpcSubscriptions }: Connections<GetAccountInfoApi, AccountNotificationsApi>,
  account: Address,
  options: FollowAccountOptions = {},
): AsyncGenerator<Observed<Address, AccountState>, void, undefined> {
  const configuration = { commitment: options.commitment ?? "confirmed", encoding: "base64" } as const;
  return follow(
    {
      expected: [account],
      isSame: isSameState,
      async subscribe(abortSignal) {
        const request = rpcSubscriptions.accountNotifications(account, configuration);
        const notifications = await request.subscribe({ abortSignal });
        return mapped(notifications, ({ context, value }) => observed(account, context.slot, value));
      },
      async read(abortSignal) {
        const { context, value } = await rpc.getAccountInfo(account, configuration).send({ abortSignal });
        const state = observed(account, context.slot, value).value;
        return { slot: context.slot, values: new Map(state === null ? [] : [[account, state]]) };
      },
    },
    options,
  );
}

/** Every change of the program's accounts that pass the filters, all present ones first. */
export function followProgramAccounts(
  { rpc, rpcSubscriptions }: Connections<GetProgramAccountsApi, ProgramNotificationsApi>,
  filters: readonly AccountFilter[],
  options: FollowAccountOptions = {},
): AsyncGenerator<Observed<Address, AccountState>, void, undefined> {
  const configuration = programConfiguration(filters, options.commitment);
  return follow(
    {
      isSame: isSameState,
      async subscribe(abortSignal) {
        const request = rpcSubscriptions.programNotifications(ASSAY_PROGRAM_ADDRESS, configuration);
        const notifications = await request.subscribe({ abortSignal });
        return mapped(notifications, ({ context, value }) => observed(value.pubkey, context.slot, value.account));
      },
      read: (signal) => readProgramAccounts(rpc, filters, { ...options, signal }),
    },
    options,
  );
}

/** All of the program's accounts that pass the filters. */
export async function readProgramAccounts(
  rpc: Rpc<GetProgramAccountsApi>,
  filters: readonly AccountFilter[],
  options: Pick<FollowAccountOptions, "commitment" | "signal"> = {},
): Promise<Snapshot<Address, AccountState>> {
  const configuration = { ...programConfiguration(filters, options.commitment), withContext: true } as const;
  const request = rpc.getProgramAccounts(ASSAY_PROGRAM_ADDRESS, configuration);
  const { context, value } = await request.send(options.signal && { abortSignal: options.signal });
  const states = value.map(({ pubkey, account }) => [pubkey, stateOf(account)] as const);
  return { slot: context.slot, values: new Map(states) };
}

function programConfiguration(filters: readonly AccountFilter[], commitment: Commitment = "confirmed") {
  const memcmp = filters.map(({ offset, bytes }) => ({
    memcmp: {
      offset: BigInt(offset),
      bytes: getBase58Decoder().decode(bytes) as Base58EncodedBytes,
      encoding: "base58" as const,
    },
  }));
  return { commitment, encoding: "base64", filters: memcmp } as const;
}

function observed(key: Address, slot: Slot, account: EncodedAccount | null): Observed<Address, AccountState> {
  // What was closed within its last slot has no data and belongs to the system program.
  const state = account === null ? null : stateOf(account);
  return { key, slot, value: state === null || state.data.length === 0 ? null : state };
}

function stateOf({ lamports, data }: EncodedAccount): AccountState {
  return { lamports, data: getBase64Encoder().encode(data[0]) };
}

function isSameState(one: AccountState, other: AccountState): boolean {
  return one.lamports === other.lamports && sameBytes(one.data, other.data);
}

async function* mapped<From, To>(values: AsyncIterable<From>, change: (value: From) => To): AsyncGenerator<To> {
  for await (const value of values) yield change(value);
}
