/** A transaction from its instructions to the chain: built, simulated, signed, sent, watched. */
import {
  type Address,
  appendTransactionMessageInstructions,
  type Base64EncodedWireTransaction,
  compileTransaction,
  createNoopSigner,
  createTransactionMessage,
  getBase64Decoder,
  getCompiledTransactionMessageDecoder,
  getSignatureFromTransaction,
  getTransactionDecoder,
  getTransactionEncoder,
  type Instruction,
  isSolanaError,
  pipe,
  prependTransactionMessageInstructions,
  type Signature,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_TRANSACTION_SIGNATURE_VERIFICATION_FAILURE,
  SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
} from "@solana/kit";
import { getSetComputeUnitLimitInstruction } from "@solana-program/compute-budget";
import { SIGNATURE_LAMPORTS } from "../model/offer.ts";
import { describeFailure } from "./failure.ts";
import { landingOf, patience, type Rpc } from "./landing.ts";
import type { Signer } from "./signer.ts";

/** The most that a transaction may use. */
const MOST_UNITS = 1_400_000;
/** Room for what differs between the simulation and the chain. */
const UNITS_MARGIN = 1.2;

/** What a simulation said. */
export type Simulation =
  | { readonly works: true; readonly units: number; readonly feeLamports: bigint; readonly logs: readonly string[] }
  | { readonly works: false; readonly sentence: string; readonly logs: readonly string[] };

/** The transaction did not do what it should, and never will; the message is a sentence for people. */
export class SendFailed extends Error {
  override readonly name = "SendFailed";
}

/** Runs the instructions on the endpoint without sending anything. */
export async function simulate(rpc: Rpc, payer: Address, instructions: readonly Instruction[]): Promise<Simulation> {
  const wire = await build(rpc, payer, instructions, MOST_UNITS);
  const { value } = await rpc
    .simulateTransaction(base64(wire), {
      commitment: "confirmed",
      encoding: "base64",
      replaceRecentBlockhash: true,
      sigVerify: false,
    })
    .send();
  const logs = value.logs ?? [];
  if (value.err !== null) return { works: false, sentence: describeFailure(value.err, logs), logs };
  const units = Number(value.unitsConsumed ?? 0n);
  return { works: true, units, feeLamports: SIGNATURE_LAMPORTS, logs };
}

/** How far a transaction has come that is being sent. */
export type Progress =
  | { readonly name: "signing" }
  /** `isAnswered` is false while the endpoint does not say what became of it. */
  | { readonly name: "sending"; readonly signature: Signature; readonly isAnswered: boolean };

/**
 * Has the transaction signed, sends it and waits until it is certain what became of it. Returns its signature. Throws
 * [`SendFailed`] only where it was not carried out and never will be, and whatever else comes before anything is sent.
 */
export async function send(
  rpc: Rpc,
  signer: Signer,
  instructions: readonly Instruction[],
  units: number,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Signature> {
  const limit = Math.min(MOST_UNITS, Math.ceil(units * UNITS_MARGIN) + 1_000);
  onProgress({ name: "signing" });
  const { value: lifetime } = await rpc
    .getLatestBlockhash({ commitment: "confirmed" })
    .send({ abortSignal: patience(signal) });
  const wire = await build(rpc, signer.address, instructions, limit, lifetime);
  const signed = await signer.sign(wire);
  signal.throwIfAborted();
  const signature = signatureOf(signed, lifetime.blockhash);
  onProgress({ name: "sending", signature, isAnswered: true });
  await rpc
    .sendTransaction(base64(signed), { encoding: "base64", preflightCommitment: "confirmed" })
    .send({ abortSignal: patience(signal) })
    .catch((error: unknown) => {
      if (isRefusal(error)) throw new SendFailed(describeFailure(error, []));
      onProgress({ name: "sending", signature, isAnswered: false });
    });
  const onAnswer = (isAnswered: boolean) => onProgress({ name: "sending", signature, isAnswered });
  const landing = await landingOf(rpc, signature, lifetime.lastValidBlockHeight, onAnswer, signal);
  if (landing.name === "landed") return signature;
  throw new SendFailed(
    landing.name === "failed"
      ? describeFailure(landing.error, [])
      : "The transaction did not land in time and never will. Nothing happened; try again.",
  );
}

/** The signature of what was signed. A transaction whose lifetime is not known could never be said to have ended. */
function signatureOf(signed: Uint8Array, blockhash: string): Signature {
  const transaction = getTransactionDecoder().decode(signed);
  const message = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
  if (message.lifetimeToken !== blockhash) {
    throw new SendFailed("The wallet changed how long the transaction is valid. Nothing was sent.");
  }
  return getSignatureFromTransaction(transaction);
}

/** Whether the endpoint answered that it tried the transaction and did not pass it on. Any other failure leaves that open. */
function isRefusal(error: unknown): boolean {
  if (isSolanaError(error, SOLANA_ERROR__JSON_RPC__SERVER_ERROR_TRANSACTION_SIGNATURE_VERIFICATION_FAILURE))
    return true;
  return (
    isSolanaError(error, SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE) &&
    !isSolanaError(error.cause, SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED)
  );
}

async function build(
  rpc: Rpc,
  payer: Address,
  instructions: readonly Instruction[],
  unitLimit: number,
  lifetime?: Parameters<typeof setTransactionMessageLifetimeUsingBlockhash>[0],
): Promise<Uint8Array> {
  const blockhash = lifetime ?? (await rpc.getLatestBlockhash({ commitment: "confirmed" }).send()).value;
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (empty) => setTransactionMessageFeePayerSigner(createNoopSigner(payer), empty),
    (paid) => setTransactionMessageLifetimeUsingBlockhash(blockhash, paid),
    (timed) => appendTransactionMessageInstructions(instructions, timed),
    (full) => prependTransactionMessageInstructions([getSetComputeUnitLimitInstruction({ units: unitLimit })], full),
  );
  return Uint8Array.from(getTransactionEncoder().encode(compileTransaction(message)));
}

function base64(bytes: Uint8Array): Base64EncodedWireTransaction {
  return getBase64Decoder().decode(bytes) as Base64EncodedWireTransaction;
}
