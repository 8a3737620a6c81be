/** Waiting for a job to come to its end, and stating a deadline that has passed. */
import type { AccountNotificationsApi, Address, GetAccountInfoApi, GetSlotApi, Instruction } from "@solana/kit";
import { isEnd, lastChallengeSlot, lastClaimSlot, lastCommitSlot } from "./deadlines.js";
import { ClientFailure } from "./failure.js";
import { NOBODY } from "./filter.js";
import type { Connections, FollowAccountOptions } from "./follow/accounts.js";
import { delay } from "./follow/delay.js";
import type { Observed } from "./follow/follow.js";
import { followJob } from "./follow/jobs.js";
import type { Job } from "./generated/accounts/index.js";
import {
  getExpireClaimInstruction,
  getExpireJobInstruction,
  getFinaliseJobInstruction,
  getFinaliseReceiptInstruction,
} from "./generated/instructions/index.js";
import { JobState } from "./generated/types/index.js";

/** Slots that a node gets to end its own job before somebody else does it. */
const COURTESY_SLOTS = 15n;
/** How long a job may be unknown before it counts as missing: an endpoint may lag. */
const UNKNOWN_MILLISECONDS = 15_000;
/** How often the slot is looked at while waiting. */
const LOOK_MILLISECONDS = 2_000;

/** How waiting goes. */
export interface WaitOptions extends FollowAccountOptions {
  /** Told about each state. */
  readonly onProgress?: (job: Job, slot: bigint) => void;
  /** Sends the instruction that ends an overdue job. Without it, somebody else has to: nodes do, for their own jobs. */
  readonly send?: (instruction: Instruction) => Promise<unknown>;
}

/** The instruction by which anybody ends a job whose deadline has passed for a while; none where there is nothing to state. */
export function overdueInstruction(address: Address, job: Job, slot: bigint): Instruction | null {
  switch (job.state) {
    case JobState.Posted:
      return slot > lastClaimSlot(job) ? getExpireJobInstruction({ job: address }) : null;
    case JobState.Claimed:
      return slot > lastCommitSlot(job) ? getExpireClaimInstruction({ node: job.node, job: address }) : null;
    case JobState.Committed:
    case JobState.Accepted:
      if (job.record.challengesOpen > 0 || slot <= lastChallengeSlot(job) + COURTESY_SLOTS) return null;
      return job.session === NOBODY
        ? getFinaliseJobInstruction({ node: job.node, job: address })
        : getFinaliseReceiptInstruction({ session: job.session, job: address });
    default:
      return null;
  }
}

/** Waits until a job satisfies a condition: committed, ended, whatever. `T0401` if it is not there, or closed before. */
export async function waitFor(
  connections: Connections<GetAccountInfoApi & GetSlotApi, AccountNotificationsApi>,
  address: Address,
  isReached: (job: Job) => boolean,
  options: WaitOptions = {},
): Promise<Job> {
  const end = new AbortController();
  const stop = () => end.abort();
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted) stop();
  const watched: Watched = { job: null, failure: null };
  const stating = stateDeadlines(connections, address, watched, end, options);
  try {
    for await (const change of followJob(connections, address, { ...options, signal: end.signal })) {
      const job = step(address, change, watched, options);
      if (job !== null && isReached(job)) return job;
    }
    options.signal?.throwIfAborted();
    throw (
      watched.failure ?? new ClientFailure("T0401", `there is no job ${address}`, "look at its address and cluster")
    );
  } finally {
    stop();
    options.signal?.removeEventListener("abort", stop);
    await stating;
  }
}

/** Waits until a job has ended. A committed one that was closed meanwhile was settled. */
export function waitForEnd(
  connections: Connections<GetAccountInfoApi & GetSlotApi, AccountNotificationsApi>,
  address: Address,
  options: WaitOptions = {},
): Promise<Job> {
  return waitFor(connections, address, (job) => isEnd(job.state), options);
}

/** What of a job was seen last. */
interface Watched {
  job: Job | null;
  failure: ClientFailure | null;
}

/** The job after a change; a settled one where a committed one vanished without a dispute. */
function step(
  address: Address,
  { slot, value }: Observed<Address, Job>,
  watched: Watched,
  options: WaitOptions,
): Job | null {
  if (value !== null) {
    watched.job = value;
    options.onProgress?.(value, slot);
    return value;
  }
  const last = watched.job;
  if (last === null) return null;
  const wasStanding = last.state === JobState.Committed || last.state === JobState.Accepted;
  if (wasStanding && last.record.challengesOpen === 0) {
    // Only what owes nothing can be closed, and a conviction would have been seen: it takes several transactions.
    return { ...last, state: JobState.Settled, credits: { node: 0n, client: 0n, fee: 0n, audits: 0n, delegators: 0n } };
  }
  const problem = `job ${address} was closed after it was ${JobState[last.state].toLowerCase()}`;
  throw new ClientFailure("T0401", problem, "its end is in the events of its transactions");
}

/** Looks at the slot from time to time: an overdue job is ended, one that never shows up is given up. */
async function stateDeadlines(
  { rpc }: Connections<GetSlotApi, AccountNotificationsApi>,
  address: Address,
  watched: Watched,
  end: AbortController,
  options: WaitOptions,
): Promise<void> {
  const givenUp = Date.now() + UNKNOWN_MILLISECONDS;
  while (!end.signal.aborted) {
    await delay(LOOK_MILLISECONDS, end.signal);
    if (watched.job === null && Date.now() > givenUp) {
      watched.failure = new ClientFailure("T0401", `there is no job ${address}`, "look at its address and cluster");
      end.abort();
    }
    if (watched.job === null || options.send === undefined || end.signal.aborted) continue;
    try {
      const slot = await rpc.getSlot({ commitment: "confirmed" }).send({ abortSignal: end.signal });
      const instruction = overdueInstruction(address, watched.job, slot);
      if (instruction !== null) await options.send(instruction);
    } catch {
      // Nodes do this themselves; whoever comes second is refused, and the next look shows why.
    }
  }
}
