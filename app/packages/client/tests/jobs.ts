/** Jobs for tests. */
import { type Address, getAddressDecoder } from "@solana/kit";
import { getJobDecoder, getJobEncoder, type Job, JobState } from "../src/index.js";

/** An address that nobody has. */
export function key(byte: number): Address {
  return getAddressDecoder().decode(new Uint8Array(32).fill(byte));
}

/** A job of zeros, but for what is given. */
export function job(changes: Partial<Job>): Job {
  // More bytes than a job has: all its numbers and keys are 0, all its strings empty.
  const zeros = getJobDecoder().decode(new Uint8Array(2_000));
  return { ...zeros, version: 3, state: JobState.Posted, client: key(1), node: key(2), payee: key(3), ...changes };
}

/** The bytes of a job account. */
export function encodedJob(changes: Partial<Job>): Uint8Array {
  return Uint8Array.from(getJobEncoder().encode(job(changes)));
}
