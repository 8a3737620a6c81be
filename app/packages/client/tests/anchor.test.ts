/** The same interface description under Anchor's own client: equal bytes in both directions. */
import { readFileSync } from "node:fs";
import anchor from "@anchor-lang/core";
import { type Address, address, createNoopSigner, getAddressDecoder, some } from "@solana/kit";
import { expect, test } from "vitest";
import { INTERFACE_DESCRIPTION } from "../scripts/render.js";
import {
  clientAddress,
  getJobEncoder,
  getPostJobInstructionAsync,
  getPostJobInstructionDataDecoder,
  jobAddress,
  paymentMintAddress,
  singleAddresses,
  vaultAddress,
} from "../src/index.js";
import { job } from "./jobs.js";
import { hex } from "./vectors.js";

const { PublicKey } = anchor.web3;
const idl = JSON.parse(readFileSync(INTERFACE_DESCRIPTION, "utf8"));
const key = (byte: number): Address => getAddressDecoder().decode(new Uint8Array(32).fill(byte));
const bytes = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const output = { uid: bytes(8, 9), leaves: 6, depth: 3, boundaryPosition: 2, boundaryCount: 300 };
const arguments_ = {
  jobId: (1n << 40n) + 5n,
  graphRoot: bytes(32, 1),
  paramsRoot: bytes(32, 2),
  inputsRoot: bytes(32, 3),
  irVersion: 1,
  symbols: [1, 2, 3, 70_000],
  output,
  priceMin: 1n,
  priceMax: (1n << 64n) - 1n,
  rampHoldSlots: 2n,
  rampSlots: 3n,
  claimSlots: 4n,
  runSlots: 5n,
  windowSlots: 6n,
  minimumStake: 7n,
  bond: 8n,
  auditPot: 9n,
  auditCap: 10n,
  invitedNode: key(77),
  costUnits: 11n,
  filter: { capabilities: 12n, regions: 13n, minimumScore: [14] as const, minimumTier: 15 },
  graphUri: "http://host/v1/artifacts/graph",
  paramsUri: "",
  inputsUri: "i",
  storeUri: "ü",
};

/** The same values in the types of Anchor's client. */
function anchorForm(value: unknown): unknown {
  if (typeof value === "bigint") return new anchor.BN(value.toString());
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(anchorForm);
  if (typeof value === "string" && /^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(value)) return new PublicKey(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, anchorForm(inner)]));
}

/** Values of Anchor's client in plain types: integers as strings, bytes and structs without names as lists. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint" || value instanceof anchor.BN || value instanceof PublicKey) return String(value);
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([field, inner]) => [field, plain(inner)] as const);
  const isNameless = fields.length > 0 && fields.every(([field], index) => field === String(index));
  return isNameless ? fields.map(([, inner]) => inner) : Object.fromEntries(fields);
}

test("Anchor builds the same instruction", async () => {
  const [client, mint, source, tokenProgram] = [key(5), key(6), key(7), key(8)];
  const job = await jobAddress(client, arguments_.jobId);
  const accounts = {
    client,
    network: singleAddresses.network,
    paymentMint: await paymentMintAddress(mint),
    mint,
    clientAccount: await clientAddress(client),
    job,
    vault: await vaultAddress(job),
    source,
    tokenProgram,
    systemProgram: address("11111111111111111111111111111111"),
    eventAuthority: singleAddresses.eventAuthority,
    program: address(idl.address),
  };
  const ours = await getPostJobInstructionAsync({ ...accounts, client: createNoopSigner(client), args: arguments_ });
  const coder = new anchor.BorshInstructionCoder(idl);
  const data = coder.encode("post_job", anchorForm({ args: snakeCase(arguments_) }) as object);
  expect(hex(data)).toBe(hex(ours.data));
  const decoded = getPostJobInstructionDataDecoder().decode(data);
  const { invitedNode, filter } = arguments_;
  expect(plain(decoded.args)).toEqual(plain({ ...arguments_, invitedNode: some(invitedNode), filter: some(filter) }));
  const program = new anchor.Program(idl, { connection: {} } as anchor.Provider);
  const build = program.methods.postJob?.(anchorForm(arguments_));
  const theirs = await build
    ?.accountsPartial(anchorForm(accounts) as Record<string, anchor.web3.PublicKey>)
    .instruction();
  expect(theirs?.keys.map(({ pubkey }) => String(pubkey))).toEqual(ours.accounts.map((account) => account.address));
  const roles = theirs?.keys.map(({ isSigner, isWritable }) => (isSigner ? 2 : 0) + (isWritable ? 1 : 0));
  expect(roles).toEqual(ours.accounts.map(({ role }) => role));
  expect(hex(theirs?.data ?? null)).toBe(hex(ours.data));
});

test("Anchor reads the same account", () => {
  const { auditPot: _pot, auditCap: _cap, ...terms } = arguments_;
  const zeros = job({});
  const ours = job({
    ...terms,
    postedSlot: 11n,
    claimedSlot: 12n,
    committedSlot: 13n,
    price: 14n,
    commitment: bytes(32, 4),
    outputRoot: bytes(32, 6),
    credits: { node: 1n, client: 2n, fee: 3n, audits: 4n, delegators: 20n },
    dispute: { ...zeros.dispute, openingFeeLamports: 7n },
    record: { ...zeros.record, challengesOpen: 5, burnCredit: 6n, settled: true },
    audit: { ...zeros.audit, beacon: bytes(32, 9), fee: 9n },
    sortition: { ...zeros.sortition, seedSlot: 17n, totalWeight: 18n },
    session: key(9),
    lateBps: 19,
  });
  const theirs = new anchor.BorshAccountsCoder(idl).decode("Job", Buffer.from(getJobEncoder().encode(ours)));
  // Each client has its own form of a choice: names of variants in Anchor's, numbers here.
  const choices = ["state", "reason", "fault_side", "seed"];
  const omitted = ["discriminator", ...choices];
  const names = choices.map((choice) => Object.keys(theirs[choice])[0]);
  expect(names).toEqual(["Posted", "Open", "None", "Open"]);
  const plainOurs = Object.entries(snakeCase(ours) as object).filter(([field]) => !omitted.includes(field));
  for (const [field, value] of plainOurs) {
    const [one, other] =
      field === "record"
        ? [
            { ...value, fault: 0 },
            { ...theirs.record, fault: 0 },
          ]
        : [value, theirs[field]];
    expect(plain(other), field).toEqual(plain(one));
  }
  expect(Object.keys(theirs).sort()).toEqual([...plainOurs.map(([field]) => field), ...choices].sort());
});

/** The names as they stand in the interface description, which coders use. */
function snakeCase(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || Array.isArray(value)) return value;
  const named = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [named(field), snakeCase(inner)]));
}
