/** A transaction from its instructions to the chain: built, simulated, signed, sent, watched. */
import {
  type Address,
  appendTransactionMessageInstructions,
  type Base64EncodedWireTransaction,
  compileTransaction,
  createNoopSigner,
  type createSolanaRpc,
  createTransactionMessage,
  getBase64Decoder,
  getTransactionEncoder,
  type Instruction,
  pipe,
  prependTransactionMessageInstructions,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
} from "@solana/kit";
import { getSetComputeUnitLimitInstruction } from "@solana-program/compute-budget";
import { SIGNATURE_LAMPORTS } from "../model/offer.ts";
import { sleep } from "../model/sleep.ts";
import { describeFailure } from "./failure.ts";
import type { Signer } from "./signer.ts";

type Rpc = ReturnType<typeof createSolanaRpc>;

/** The most that a transaction may use. */
const MOST_UNITS = 1_400_000;
/** Room for what differs between the simulation and the chain. */
const UNITS_MARGIN = 1.2;
const POLL_MS = 400;

/** What a simulation said. */
export type Simulation =
  | { readonly works: true; readonly units: number; readonly feeLamports: bigint; readonly logs: readonly string[] }
  | { readonly works: false; readonly sentence: string; readonly logs: readonly string[] };

/** The transaction did not do what it should; the message is a sentence for people. */
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

/** Has the transaction signed, sends it and waits until it is confirmed. Returns its signature. */
export async function send(
  rpc: Rpc,
  signer: Signer,
  instructions: readonly Instruction[],
  units: number,
  onStage: (stage: "signing" | "sending") => void,
): Promise<string> {
  const limit = Math.min(MOST_UNITS, Math.ceil(units * UNITS_MARGIN) + 1_000);
  const { value: lifetime } = await rpc.getLatestBlockhash({ commitment: "confirmed" }).send();
  const wire = await build(rpc, signer.address, instructions, limit, lifetime);
  onStage("signing");
  const signed = await signer.sign(wire);
  onStage("sending");
  const signature = await rpc
    .sendTransaction(base64(signed), { encoding: "base64", preflightCommitment: "confirmed" })
    .send()
    .catch((error: unknown) => {
      throw new SendFailed(describeFailure(error, []));
    });
  for (;;) {
    const { value } = await rpc.getSignatureStatuses([signature]).send();
    const status = value[0];
    if (status?.err) throw new SendFailed(describeFailure(status.err, []));
    if (status?.confirmationStatus === "confirmed" || status?.confirmationStatus === "finalized") return signature;
    const height = await rpc.getBlockHeight({ commitment: "confirmed" }).send();
    if (height > lifetime.lastValidBlockHeight) {
      throw new SendFailed("The transaction did not land in time and never will. Nothing happened; try again.");
    }
    await sleep(POLL_MS, new AbortController().signal);
  }
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
