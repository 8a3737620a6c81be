/** What became of a transaction that was sent: asked until it is certain, whatever the endpoint does meanwhile. */
import type { createSolanaRpc, Signature } from "@solana/kit";
import { sleep } from "../model/sleep.ts";

/** What an endpoint is asked with. */
export type Rpc = ReturnType<typeof createSolanaRpc>;

/** The end of a transaction. `failed` took its fee and changed nothing else; `expired` never was in a block and never will be. */
export type Landing =
  | { readonly name: "landed" }
  | { readonly name: "failed"; readonly error: unknown }
  | { readonly name: "expired" };

const POLL_MS = 400;
/** How long one question may take before it counts as unanswered. */
const PATIENCE_MS = 20_000;

/** A signal that ends one question to an endpoint: with `signal`, or when it takes too long. */
export function patience(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
}

/**
 * Asks until it is certain. `onAnswer` is told after each question whether the endpoint answered it. Throws only when `signal` is
 * aborted.
 */
export async function landingOf(
  rpc: Rpc,
  signature: Signature,
  lastValidBlockHeight: bigint,
  onAnswer: (answered: boolean) => void,
  signal: AbortSignal,
): Promise<Landing> {
  for (;;) {
    signal.throwIfAborted();
    const landing = await look(rpc, signature, lastValidBlockHeight, signal).catch(() => "unanswered" as const);
    signal.throwIfAborted();
    onAnswer(landing !== "unanswered");
    if (landing !== undefined && landing !== "unanswered") return landing;
    await sleep(POLL_MS, signal);
  }
}

/**
 * One look. The height comes first: what was in no block when the last valid height was behind can be in none later. The status has
 * to be as new as the height, since several nodes may stand behind one endpoint.
 */
async function look(
  rpc: Rpc,
  signature: Signature,
  lastValidBlockHeight: bigint,
  signal: AbortSignal,
): Promise<Landing | undefined> {
  const { absoluteSlot, blockHeight } = await rpc
    .getEpochInfo({ commitment: "confirmed" })
    .send({ abortSignal: patience(signal) });
  const isOver = blockHeight > lastValidBlockHeight;
  const { context, value } = await rpc
    .getSignatureStatuses([signature], { searchTransactionHistory: isOver })
    .send({ abortSignal: patience(signal) });
  const [status] = value;
  if (status?.confirmationStatus === "confirmed" || status?.confirmationStatus === "finalized") {
    return status.err === null ? { name: "landed" } : { name: "failed", error: status.err };
  }
  return isOver && status === null && context.slot >= absoluteSlot ? { name: "expired" } : undefined;
}
