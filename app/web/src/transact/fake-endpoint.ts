/** An endpoint for tests: what it answers is set question by question, and it may be out of reach for any of them. */
import { createSolanaRpcFromTransport, type RpcTransport } from "@solana/kit";
import type { Rpc } from "./landing.ts";

/** What a question is answered with; a thrown error is a lost connection. */
export type Answers = Readonly<Record<string, (params: readonly unknown[]) => unknown>>;

/** A refusal in the words of JSON-RPC. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    readonly data: unknown = undefined,
  ) {
    super("refused");
  }
}

/** The last block height at which what is sent is valid. */
export const LAST_VALID = 200n;
const BLOCKHASH = "EkSnNWid2cvwEVnVx9aBqawnmiCNiDgp3gUdkDPTKN1N";

/** An endpoint that answers so, and every question it was asked. */
export function fakeEndpoint(answers: Answers): { readonly rpc: Rpc; readonly asked: string[] } {
  const asked: string[] = [];
  const all: Answers = {
    getLatestBlockhash: () => valued({ blockhash: BLOCKHASH, lastValidBlockHeight: LAST_VALID }),
    getEpochInfo: () => epochAt(100n),
    sendTransaction: () => "",
    getSignatureStatuses: () => valued([null]),
    ...answers,
  };
  const transport = async ({ payload }: Parameters<RpcTransport>[0]) => {
    const { method, params } = payload as { method: string; params: readonly unknown[] };
    asked.push(method);
    try {
      return { jsonrpc: "2.0", id: 1, result: all[method]?.(params) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { jsonrpc: "2.0", id: 1, error: { code: error.code, message: error.message, data: error.data } };
    }
  };
  return { rpc: createSolanaRpcFromTransport(transport as RpcTransport) as Rpc, asked };
}

/** A value with the slot at which it was read. */
export function valued(value: unknown, slot = 1_000n): unknown {
  return { context: { slot }, value };
}

/** The epoch when the chain has come to this block height. */
export function epochAt(blockHeight: bigint): unknown {
  return { absoluteSlot: blockHeight + 50n, blockHeight, epoch: 0n, slotIndex: 0n, slotsInEpoch: 432_000n };
}

/** The status of a transaction that was confirmed. */
export const CONFIRMED = { slot: 900n, confirmations: 1n, err: null, confirmationStatus: "confirmed" };
