/** What happened to an account, from the events in its transactions: as far back as the endpoint remembers. */
import { type AssayEvent, decodeEvent } from "@assay/client";
import { type Address, type createSolanaRpc, getBase58Encoder, type Signature } from "@solana/kit";

type Rpc = ReturnType<typeof createSolanaRpc>;

/** One event with the transaction that it happened in. */
export interface HistoryEntry {
  readonly event: AssayEvent;
  readonly slot: bigint;
  readonly signature: Signature;
}

const base58 = getBase58Encoder();

/** The events of the newest `most` transactions that name the account, the newest first. */
export async function fetchHistory(
  rpc: Rpc,
  address: Address,
  most: number,
  signal: AbortSignal,
): Promise<readonly HistoryEntry[]> {
  const found = await rpc
    .getSignaturesForAddress(address, { limit: most, commitment: "confirmed" })
    .send({ abortSignal: signal });
  const entries = await Promise.all(
    found.filter(({ err }) => err === null).map(({ signature, slot }) => eventsOf(rpc, signature, slot, signal)),
  );
  return entries.flat();
}

async function eventsOf(
  rpc: Rpc,
  signature: Signature,
  slot: bigint,
  signal: AbortSignal,
): Promise<readonly HistoryEntry[]> {
  const transaction = await rpc
    .getTransaction(signature, { commitment: "confirmed", encoding: "json", maxSupportedTransactionVersion: 0 })
    .send({ abortSignal: signal });
  const inner = transaction?.meta?.innerInstructions ?? [];
  return inner
    .flatMap(({ instructions }) => instructions)
    .flatMap(({ data }) => {
      const event = decodeEvent(base58.encode(data));
      return event === null ? [] : [{ event, slot, signature }];
    })
    .reverse();
}
