/** Sending transactions: signed, sent, confirmed, and never sent a second time as something else. */
import {
  appendTransactionMessageInstructions,
  assertIsTransactionWithBlockhashLifetime,
  createTransactionMessage,
  type GetEpochInfoApi,
  type GetLatestBlockhashApi,
  type GetSignatureStatusesApi,
  getSignatureFromTransaction,
  type Instruction,
  pipe,
  type SendTransactionApi,
  type Signature,
  type SignatureNotificationsApi,
  type SlotNotificationsApi,
  sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  type TransactionSigner,
} from "@solana/kit";
import { explainFailure } from "./explain.js";
import { ClientFailure } from "./failure.js";
import type { Connections } from "./follow/accounts.js";

/** What sending needs of an RPC endpoint. */
export type SendingConnections = Connections<
  GetEpochInfoApi & GetLatestBlockhashApi & GetSignatureStatusesApi & SendTransactionApi,
  SignatureNotificationsApi & SlotNotificationsApi
>;

/** Sends instructions as one transaction and waits until it is confirmed. `T0403` says in words why it was refused. */
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
  const send = sendAndConfirmTransactionFactory(connections);
  try {
    await send(transaction, { commitment: "confirmed", ...(signal && { abortSignal: signal }) });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const { code, problem, remedy } = explainFailure(cause);
    throw new ClientFailure("T0403", `the transaction was refused (${code}): ${problem}`, remedy, { cause });
  }
  return getSignatureFromTransaction(transaction);
}
