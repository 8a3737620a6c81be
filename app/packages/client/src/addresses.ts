/** Addresses that the program derives. Those of which there is just one are in `singleAddresses`. */
import {
  type Address,
  getAddressEncoder,
  getProgramDerivedAddress,
  getU16Encoder,
  getU32Encoder,
  getU64Encoder,
  type ReadonlyUint8Array,
} from "@solana/kit";
import { ASSAY_PROGRAM_ADDRESS } from "./generated/programs/index.js";
import type { DemandKey } from "./generated/types/index.js";

/** Address of the record of a payment mint. */
export function paymentMintAddress(mint: Address): Promise<Address> {
  return derive("payment_mint", key(mint));
}

/** Address of the token account that collects the fees of a payment mint. */
export function feeVaultAddress(mint: Address): Promise<Address> {
  return derive("fee_vault", key(mint));
}

/** Address of the account that counts the jobs of a client: a key, or a budget. */
export function clientAddress(client: Address): Promise<Address> {
  return derive("client", key(client));
}

/** Address of a node; `index` tells the nodes of one withdraw authority apart. */
export function nodeAddress(withdrawAuthority: Address, index: number): Promise<Address> {
  return derive("node", key(withdrawAuthority), u16(index));
}

/** Address of the job with this number of a client's. */
export function jobAddress(client: Address, jobId: bigint): Promise<Address> {
  return derive("job", key(client), u64(jobId));
}

/** Address of the token account that holds the escrow of a job or a session. */
export function vaultAddress(jobOrSession: Address): Promise<Address> {
  return derive("vault", key(jobOrSession));
}

/** Address of a challenge of a job. */
export function challengeAddress(job: Address, challenger: Address): Promise<Address> {
  return derive("challenge", key(job), key(challenger));
}

/** Address of a buffer, in which a proof is written before it is judged. */
export function bufferAddress(owner: Address, bufferId: bigint): Promise<Address> {
  return derive("buffer", key(owner), u64(bufferId));
}

/** Address of a segment root; `author` is the job's operator for a signed one, else who posted it. */
export function segmentClaimAddress(job: Address, segment: number, author: Address): Promise<Address> {
  return derive("segment_claim", key(job), u16(segment), key(author));
}

/** Address of a demand of a job. */
export function demandAddress(job: Address, demand: DemandKey): Promise<Address> {
  return derive(
    "demand",
    key(job),
    demand.origin,
    Uint8Array.of(demand.tree),
    u16(demand.slot),
    Uint8Array.of(demand.height),
    getU32Encoder().encode(demand.index),
  );
}

/** Address of the validator of a key. */
export function validatorAddress(authority: Address): Promise<Address> {
  return derive("validator", key(authority));
}

/** Address of the attestation of a job by a validator. */
export function attestationAddress(job: Address, validator: Address): Promise<Address> {
  return derive("attestation", key(job), key(validator));
}

/** Address of the session with this number of a client's; jobs and sessions share their numbers. */
export function sessionAddress(client: Address, sessionId: bigint): Promise<Address> {
  return derive("session", key(client), u64(sessionId));
}

/** Address of the job that a receipt becomes when it is called in; `messageHash` is the SHA-256 of its message. */
export function receiptAddress(session: Address, messageHash: ReadonlyUint8Array): Promise<Address> {
  return derive("receipt", key(session), messageHash);
}

/** Address of a budget; `index` tells the budgets of one owner apart. */
export function budgetAddress(owner: Address, index: number): Promise<Address> {
  return derive("budget", key(owner), u16(index));
}

/** Address of a proposal of governance. */
export function proposalAddress(proposalNumber: bigint): Promise<Address> {
  return derive("proposal", u64(proposalNumber));
}

/** Address of the pool of what is delegated to a node. */
export function delegationPoolAddress(node: Address): Promise<Address> {
  return derive("delegations", key(node));
}

/** Address of what an owner delegates to the node of a pool. */
export function delegationAddress(pool: Address, owner: Address): Promise<Address> {
  return derive("delegation", key(pool), key(owner));
}

/** Address of the token account that holds a pool's rewards in a mint. */
export function delegationRewardsAddress(pool: Address, mint: Address): Promise<Address> {
  return derive("rewards", key(pool), key(mint));
}

async function derive(...seeds: (string | ReadonlyUint8Array)[]): Promise<Address> {
  const [derived] = await getProgramDerivedAddress({ programAddress: ASSAY_PROGRAM_ADDRESS, seeds });
  return derived;
}

function key(value: Address): ReadonlyUint8Array {
  return getAddressEncoder().encode(value);
}

function u16(value: number): ReadonlyUint8Array {
  return getU16Encoder().encode(value);
}

function u64(value: bigint): ReadonlyUint8Array {
  return getU64Encoder().encode(value);
}
