import {
  type Address,
  appendTransactionMessageInstructions,
  type Blockhash,
  compileTransaction,
  createNoopSigner,
  createTransactionMessage,
  getAddressDecoder,
  getTransactionSize,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
} from "@solana/kit";
import { expect, test } from "vitest";
import { getPostJobInstructionAsync, mostUriBytes, postJobArguments, uriBytes } from "../src/index.js";
import { workThat } from "./works.js";

/** The most that a transaction may have. */
const MOST_TRANSACTION_BYTES = 1_232;

const key = (byte: number): Address => getAddressDecoder().decode(new Uint8Array(32).fill(byte));
const scheduling = { opening: { delaySlots: 2, stepSlots: 10, firstExpected: 1, steps: 5 } };
const limits = { minimumBondBps: 20_000, minimumStake: 77n, minimumWindowSlots: 30n };
const network = { parameters: { ...limits, audit: { epochSlots: 20 }, scheduling } } as unknown as Parameters<
  typeof postJobArguments
>[4];

/** The arguments of a posting whose URIs have so many bytes together. */
function args(bytes: number, more: object) {
  const { work } = workThat(() => true);
  const lengths = [0, 1, 2, 3].map((place) => Math.floor((bytes + place) / 4));
  const [graph, params, inputs, storeUri] = lengths.map((length) => "u".repeat(length)) as [
    string,
    string,
    string,
    string,
  ];
  const mint = { bondNumerator: 3n, bondDenominator: 1n };
  const terms = { priceMin: 100n, priceMax: 200n, storeUri, ...more };
  return postJobArguments(terms, 9n, work, { graph, params, inputs }, network, mint);
}

async function transactionBytes(posted: ReturnType<typeof args>): Promise<number> {
  const client = createNoopSigner(key(1));
  const accounts = { paymentMint: key(2), mint: key(3), job: key(4), source: key(5), tokenProgram: key(6) };
  const instruction = await getPostJobInstructionAsync({ ...accounts, client, args: posted });
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (empty) => setTransactionMessageFeePayerSigner(client, empty),
    (paid) =>
      setTransactionMessageLifetimeUsingBlockhash(
        { blockhash: key(7) as unknown as Blockhash, lastValidBlockHeight: 1n },
        paid,
      ),
    (timed) => appendTransactionMessageInstructions([instruction], timed),
  );
  return getTransactionSize(compileTransaction(message));
}

const filter = { capabilities: 1n, regions: 1n, minimumScore: [1] as [number], minimumTier: 1 };

test.each([
  ["plain", {}],
  ["invited", { invitedNode: key(8) }],
  ["filtered", { filter }],
  ["both", { invitedNode: key(8), filter }],
])("the longest addresses that fit one transaction are taken, and none that do not: %s", async (_, more) => {
  const most = mostUriBytes(more);
  const longest = args(most, more);
  expect(uriBytes(longest)).toBe(most);
  expect(await transactionBytes(longest)).toBe(MOST_TRANSACTION_BYTES);
  expect(() => args(most + 1, more)).toThrow(/^T0102 .* shorter address/);
});
