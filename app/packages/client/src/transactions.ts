/** Sending transactions: signed, sent, confirmed, and never sent a second time as something else. */
import {
  appendTransactionMessageInstructions,
  assertIsTransactionWithBlockhashLifetime,
  createTransactionMessage,
  type GetEpochInfoApi,
  type GetLatestBlockhashApi,
  type GetSignatureStatusesApi,
  getSignatureFromTransaction,
  getSolanaErrorFromTransactionError,
  type Instruction,
  isSolanaError,
  pipe,
  type SendTransactionApi,
  type Signature,
  type SignatureNotificationsApi,
  type SlotNotificationsApi,
  SOLANA_ERROR__INSTRUCTION_ERROR__UNKNOWN,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_TRANSACTION_SIGNATURE_VERIFICATION_FAILURE,
  SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED,
  SOLANA_ERROR__TRANSACTION_ERROR__UNKNOWN,
  sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  type TransactionSigner,
} from "@solana/kit";
import { explainFailure } from "./explain.js";
import { ClientFailure, OutcomeUnknown } from "./failure.js";
import type { Connections } from "./follow/accounts.js";

/** What sending needs of an RPC endpoint. */
export type SendingConnections = Connections<
  GetEpochInfoApi & GetLatestBlockhashApi & GetSignatureStatusesApi & SendTransactionApi,
  SignatureNotificationsApi & SlotNotificationsApi
>;

/**
 * Sends instructions as one transaction and waits until it is confirmed. `T0403` says in words why it was refused, and that it never
 * takes effect; `T0405` that nobody said what became of it. An aborted `signal` ends the waiting and not the transaction.
 */
export async function sendInstructions(
  connections: SendingConnections,
  payer: TransactionSigner,
  instructions: readonly Instruction[],
  signal?: AbortSignal,
): Promise<Signature> {
  const { value: lifetime } = await connections.rpc.getLatestBlockhash({ commitment: "confirmed" }).send();
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (empty) => setTransactionMessageFeePayerSigner(payer, empty),
    (paid) => setTransactionMessageLifetimeUsingBlockhash(lifetime, paid),
    (timed) => appendTransactionMessageInstructions(instructions, timed),
  );
  const transaction = await signTransactionMessageWithSigners(message);
  assertIsTransactionWithBlockhashLifetime(transaction);
  const signature = getSignatureFromTransaction(transaction);
  const send = sendAndConfirmTransactionFactory(connections);
  try {
    await send(transaction, { commitment: "confirmed", ...(signal && { abortSignal: signal }) });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    if (isRefusal(cause)) throw refused(cause);
    await confirmedAfterAll(connections, signature, cause);
  }
  return signature;
}

/** Whether the endpoint answered that it passed nothing on, or that the transaction failed in a block. */
function isRefusal(cause: unknown): boolean {
  if (isSolanaError(cause, SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE)) {
    return !isSolanaError(cause.cause, SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED);
  }
  if (!isSolanaError(cause)) return false;
  const { __code: code } = cause.context;
  return (
    code === SOLANA_ERROR__JSON_RPC__SERVER_ERROR_TRANSACTION_SIGNATURE_VERIFICATION_FAILURE ||
    FAILURES_IN_A_BLOCK.some((first) => code >= first && code < first + CODES_PER_KIND)
  );
}

/** The first codes of what a transaction and its instructions can fail with; each kind has fewer than a thousand. */
const FAILURES_IN_A_BLOCK = [SOLANA_ERROR__TRANSACTION_ERROR__UNKNOWN, SOLANA_ERROR__INSTRUCTION_ERROR__UNKNOWN];
const CODES_PER_KIND = 1_000;

/** Looks once more for what nobody told of. Returns where it is confirmed. */
async function confirmedAfterAll({ rpc }: SendingConnections, signature: Signature, cause: unknown): Promise<void> {
  const statuses = await rpc
    .getSignatureStatuses([signature], { searchTransactionHistory: true })
    .send()
    .catch(() => undefined);
  const status = statuses?.value[0];
  if (status?.confirmationStatus !== "confirmed" && status?.confirmationStatus !== "finalized") {
    throw new OutcomeUnknown(signature, undefined, { cause });
  }
  if (status.err !== null) throw refused(getSolanaErrorFromTransactionError(status.err));
}

function refused(cause: unknown): ClientFailure {
  const { code, problem, remedy } = explainFailure(cause);
  return new ClientFailure("T0403", `the transaction was refused (${code}): ${problem}`, remedy, { cause });
}
