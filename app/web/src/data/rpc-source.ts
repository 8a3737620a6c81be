/** A market read from a Solana RPC endpoint: nothing but the program's accounts, and its notifications. */

import { ASSAY_PROGRAM_ADDRESS } from "@assay/client/generated";
import {
  type Address,
  type Base64EncodedBytes,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  getBase58Decoder,
  getBase64Encoder,
  type ReadonlyUint8Array,
} from "@solana/kit";
import { KINDS, type Kind } from "./kinds.ts";
import type { FollowListener, MarketSource, RawAccount, RawChange } from "./source.ts";

/** Where an endpoint is. */
export interface Endpoint {
  readonly httpUrl: string;
  readonly websocketUrl: string;
}

/** Accounts that endpoints give in one answer. */
const MOST_AT_ONCE = 100;

const base58 = getBase58Decoder();
const base64 = getBase64Encoder();

/** The connection went away; whoever follows may try again. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** Reads the market of one endpoint. */
export function rpcSource(endpoint: Endpoint): MarketSource {
  const rpc = createSolanaRpc(endpoint.httpUrl);
  return {
    async load(kind, signal) {
      const accounts = await rpc
        .getProgramAccounts(ASSAY_PROGRAM_ADDRESS, {
          commitment: "confirmed",
          encoding: "base64",
          filters: [discriminatorFilter(kind)],
        })
        .send({ abortSignal: signal });
      return accounts.map(
        ({ pubkey, account }): RawAccount => ({ address: pubkey, bytes: fromBase64(account.data[0]) }),
      );
    },

    async follow(listener, signal) {
      const subscriptions = createSolanaRpcSubscriptions(endpoint.websocketUrl);
      const ended = new AbortController();
      const abortSignal = AbortSignal.any([signal, ended.signal]);
      try {
        const [changes, slots] = await Promise.all([
          subscriptions
            .programNotifications(ASSAY_PROGRAM_ADDRESS, { commitment: "confirmed", encoding: "base64" })
            .subscribe({ abortSignal }),
          subscriptions.slotNotifications().subscribe({ abortSignal }),
        ]);
        listener.started();
        // Whichever ends first ends the whole: half a connection is none.
        await Promise.race([tellChanges(changes, listener), tellSlots(slots, listener)]);
        if (!signal.aborted) throw new ConnectionLost("The endpoint ended the subscription.");
      } finally {
        ended.abort();
      }
    },

    async fetch(addresses, signal) {
      const changes: RawChange[] = [];
      for (let start = 0; start < addresses.length; start += MOST_AT_ONCE) {
        const some = addresses.slice(start, start + MOST_AT_ONCE);
        const { context, value } = await rpc
          .getMultipleAccounts(some, { commitment: "confirmed", encoding: "base64" })
          .send({ abortSignal: signal });
        some.forEach((address, index) => {
          const account = value[index];
          const ours = account?.owner === ASSAY_PROGRAM_ADDRESS;
          changes.push({ address, bytes: ours ? fromBase64(account.data[0]) : undefined, slot: context.slot });
        });
      }
      return changes;
    },

    async present(signal) {
      const accounts = await rpc
        .getProgramAccounts(ASSAY_PROGRAM_ADDRESS, {
          commitment: "confirmed",
          encoding: "base64",
          dataSlice: { offset: 0, length: 0 },
        })
        .send({ abortSignal: signal });
      return new Set(accounts.map(({ pubkey }) => pubkey));
    },

    async slot(signal) {
      return rpc.getSlot({ commitment: "confirmed" }).send({ abortSignal: signal });
    },

    async decimals(mint, signal) {
      const { value } = await rpc.getTokenSupply(mint).send({ abortSignal: signal });
      return value.decimals;
    },
  };
}

function discriminatorFilter(kind: Kind) {
  const bytes = base58.decode(KINDS[kind].discriminator);
  return { memcmp: { offset: 0n, bytes: bytes as never, encoding: "base58" as const } };
}

type ProgramNotification = {
  readonly context: { readonly slot: bigint };
  readonly value: {
    readonly pubkey: Address;
    readonly account: { readonly data: readonly [Base64EncodedBytes, "base64"]; readonly lamports: bigint };
  };
};

async function tellChanges(changes: AsyncIterable<ProgramNotification>, listener: FollowListener): Promise<void> {
  for await (const { context, value } of changes) {
    const bytes = value.account.lamports === 0n ? undefined : fromBase64(value.account.data[0]);
    // A closed account is told of with no lamports or with no data, depending on the endpoint.
    const closed = bytes === undefined || bytes.length === 0;
    listener.change({ address: value.pubkey, bytes: closed ? undefined : bytes, slot: context.slot });
  }
}

async function tellSlots(slots: AsyncIterable<{ readonly slot: bigint }>, listener: FollowListener): Promise<void> {
  for await (const { slot } of slots) listener.slot(slot);
}

/** Faster than the codec for the many accounts of a whole market, where the browser has it. */
function fromBase64(text: string): ReadonlyUint8Array {
  if ("fromBase64" in Uint8Array && typeof Uint8Array.fromBase64 === "function") {
    return Uint8Array.fromBase64(text) as Uint8Array;
  }
  return base64.encode(text);
}
