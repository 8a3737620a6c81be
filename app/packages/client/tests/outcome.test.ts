import {
  type Address,
  createKeyPairSignerFromPrivateKeyBytes,
  type Signature,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
} from "@solana/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  clientAddress,
  getClientEncoder,
  getNetworkDecoder,
  getNetworkEncoder,
  getPaymentMintDecoder,
  getPaymentMintEncoder,
  isPostedWith,
  JobState,
  jobAddress,
  LAYOUTS,
  Market,
  OutcomeUnknown,
  paymentMintAddress,
  postJobArguments,
  singleAddresses,
  type Terms,
} from "../src/index.js";
import { FakeChain } from "./fake-chain.js";
import { encodedJob, job, key } from "./jobs.js";
import { workThat } from "./works.js";

const { work } = workThat(() => true);
const URIS = { graph: "http://s/g", params: "http://s/p", inputs: "http://s/i" };
const TERMS: Terms = { priceMin: 1n, priceMax: 10n, bond: 5n, minimumStake: 1n, windowSlots: 500n };
const MINT = key(9);
const ZEROS = new Uint8Array(4_000);
const NETWORK = { ...getNetworkDecoder().decode(ZEROS), version: LAYOUTS.network.head.at(-1) ?? 0 };
const RECORD = {
  ...getPaymentMintDecoder().decode(ZEROS),
  version: LAYOUTS.paymentMint.head.at(-1) ?? 0,
  mint: MINT,
  tokenProgram: key(8),
};

let chain: FakeChain;
let market: Market;

beforeEach(async () => {
  chain = await FakeChain.start();
  market = new Market(chain.connections(), await createKeyPairSignerFromPrivateKeyBytes(new Uint8Array(32).fill(1)));
  chain.write(singleAddresses.network, Uint8Array.from(getNetworkEncoder().encode(NETWORK)));
  chain.write(await paymentMintAddress(MINT), Uint8Array.from(getPaymentMintEncoder().encode(RECORD)));
});
afterEach(() => chain.stop());

/** The account of the job that a post of these terms makes. */
function posted(jobId: bigint, terms: Terms = TERMS): Uint8Array {
  const args = postJobArguments(terms, jobId, work, URIS, NETWORK, RECORD);
  const { auditPot: pot, auditCap: cap, ...fields } = args;
  const zeros = job({});
  return encodedJob({
    ...(fields as object),
    state: JobState.Posted,
    paymentMint: MINT,
    invitedNode: zeros.invitedNode,
    filter: zeros.filter,
    audit: { ...zeros.audit, pot: BigInt(pot), cap: BigInt(cap) },
  });
}

const post = (jobId?: bigint) => market.post(work, URIS, TERMS, MINT, jobId === undefined ? {} : { jobId });

test("an answer that was lost is no refusal, and a retry with its number posts the same job", async () => {
  chain.send = () => "lost";
  const failure: unknown = await post().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(OutcomeUnknown);
  expect(failure).toMatchObject({ code: "T0405", jobId: 0n, signature: chain.sent[0] });
  expect(String(failure)).toContain(`once more with jobId 0`);
  // It landed after all, and the counter has gone on.
  const address = await jobAddress(market.payer.address, 0n);
  chain.write(address, posted(0n));
  await expect(post(0n)).resolves.toEqual({ address, jobId: 0n, signature: null });
  expect(chain.sent).toHaveLength(1);
});

test("a job that is there although nobody said so was posted", async () => {
  const address = await jobAddress(market.payer.address, 3n);
  chain.send = () => {
    chain.write(address, posted(3n));
    return "lost";
  };
  const done = await post(3n);
  expect(done).toEqual({ address, jobId: 3n, signature: chain.sent[0] });
});

test("what was confirmed without an answer was carried out, and what failed was refused", async () => {
  chain.send = () => "lost";
  chain.status = { slot: 1, confirmations: 1, err: null, confirmationStatus: "confirmed" };
  await expect(market.send()).resolves.toSatisfy((signature: Signature) => signature === chain.sent[0]);
  chain.status = { ...chain.status, err: { InstructionError: [0, { Custom: 6016 }] } };
  await expect(market.send()).rejects.toThrow(/^T0403 .*P6016/);
});

test("the endpoint's word that it passed nothing on is a refusal", async () => {
  const err = { InstructionError: [0, { Custom: 6016 }] };
  const code = SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE;
  chain.send = () => ({ code, message: "no", data: { err, logs: [], accounts: null, unitsConsumed: 0 } });
  await expect(post()).rejects.toThrow(/^T0403 .*P6016/);
  chain.send = () => ({
    code,
    message: "no",
    data: { err: "AlreadyProcessed", logs: [], accounts: null, unitsConsumed: 0 },
  });
  await expect(post()).rejects.toThrow(/^T0405 /);
});

test("a job is another one with any other term, and not with other addresses", () => {
  const args = postJobArguments(TERMS, 0n, work, URIS, NETWORK, RECORD);
  const { auditPot: pot, auditCap: cap, ...fields } = args;
  const zeros = job({});
  const same = job({
    ...(fields as object),
    paymentMint: MINT,
    invitedNode: zeros.invitedNode,
    filter: zeros.filter,
    audit: { ...zeros.audit, pot: BigInt(pot), cap: BigInt(cap) },
  });
  expect(isPostedWith({ ...same, graphUri: "http://elsewhere" }, args, MINT)).toBe(true);
  expect(isPostedWith(same, args, key(7) as Address)).toBe(false);
  for (const other of [
    { jobId: 1n },
    { priceMax: 11n },
    { bond: 6n },
    { invitedNode: key(4) },
    { inputsRoot: new Uint8Array(32).fill(9) },
    { filter: { ...same.filter, regions: 1n } },
    { audit: { ...same.audit, pot: 1n } },
  ]) {
    expect(isPostedWith({ ...same, ...other }, args, MINT), Object.keys(other).join()).toBe(false);
  }
});

test("the number of the next job is the client's counter", async () => {
  expect(await market.nextJobId()).toBe(0n);
  const { address } = market.payer;
  const zero = LAYOUTS.client.decoder().decode(ZEROS);
  const bytes = getClientEncoder().encode({ ...zero, version: LAYOUTS.client.head.at(-1) ?? 0, nextJobId: 7n });
  chain.write(await clientAddress(address), Uint8Array.from(bytes));
  expect(await market.nextJobId()).toBe(7n);
});
