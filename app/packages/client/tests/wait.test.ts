import type { Instruction } from "@solana/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  AssayInstruction,
  identifyAssayInstruction,
  isClosable,
  type Job,
  JobState,
  overdueInstruction,
  owedTo,
  waitFor,
  waitForEnd,
} from "../src/index.js";
import { FakeChain } from "./fake-chain.js";
import { encodedJob, job, key } from "./jobs.js";

const JOB = key(7);
const patient = { firstWaitMilliseconds: 5, longestWaitMilliseconds: 20 };
let chain: FakeChain;
beforeEach(async () => {
  chain = await FakeChain.start();
});
afterEach(() => chain.stop());

test("waiting sees every state and ends with the last, through a drop", async () => {
  chain.write(JOB, encodedJob({ state: JobState.Posted }));
  const states: JobState[] = [];
  const onProgress = ({ state }: Job) => {
    states.push(state);
    if (state === JobState.Posted) chain.write(JOB, encodedJob({ state: JobState.Claimed }));
    if (state === JobState.Claimed) {
      chain.drop();
      chain.write(JOB, encodedJob({ state: JobState.Settled, price: 5n }));
    }
  };
  const ended = await waitForEnd(chain.connections(), JOB, { ...patient, onProgress });
  expect([ended.state, ended.price]).toEqual([JobState.Settled, 5n]);
  expect(states).toEqual([JobState.Posted, JobState.Claimed, JobState.Settled]);
});

test("a condition ends waiting before the end", async () => {
  chain.write(JOB, encodedJob({ state: JobState.Committed }));
  const reached = await waitFor(chain.connections(), JOB, ({ state }) => state === JobState.Committed, patient);
  expect(reached.state).toBe(JobState.Committed);
});

test("a committed job that is closed was settled, of others nothing is claimed", async () => {
  const closing = (state: JobState, challengesOpen = 0) => {
    const { record } = job({});
    chain.write(JOB, encodedJob({ state, record: { ...record, challengesOpen } }));
    const onProgress = () => chain.write(JOB, null);
    return waitForEnd(chain.connections(), JOB, { ...patient, onProgress });
  };
  expect(await closing(JobState.Committed)).toMatchObject({ state: JobState.Settled, credits: { client: 0n } });
  expect(await closing(JobState.Accepted)).toMatchObject({ state: JobState.Settled });
  await expect(closing(JobState.Claimed)).rejects.toThrow(/^T0401 .*closed after it was claimed/);
  await expect(closing(JobState.Committed, 1)).rejects.toThrow(/^T0401 /);
});

test("an overdue job is ended by whoever waits", async () => {
  chain.slot = 1_000;
  chain.write(JOB, encodedJob({ state: JobState.Posted, postedSlot: 10n, claimSlots: 5n }));
  const sent: Instruction[] = [];
  const send = async (instruction: Instruction) => {
    sent.push(instruction);
    chain.write(JOB, encodedJob({ state: JobState.Expired }));
  };
  expect((await waitForEnd(chain.connections(), JOB, { ...patient, send })).state).toBe(JobState.Expired);
  expect(sent.map(({ data }) => identifyAssayInstruction(data ?? new Uint8Array()))).toEqual([
    AssayInstruction.ExpireJob,
  ]);
});

test("waiting can be cut short", async () => {
  const end = new AbortController();
  const waiting = waitForEnd(chain.connections(), JOB, { ...patient, signal: end.signal });
  end.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("a job is ended only after the last slot of its deadline", () => {
  const times = {
    postedSlot: 1_000n,
    claimSlots: 10n,
    claimedSlot: 2_000n,
    runSlots: 20n,
    committedSlot: 3_000n,
    windowSlots: 30n,
  };
  const ends = (state: JobState, slot: bigint, changes: Partial<Job> = {}) => {
    const instruction = overdueInstruction(JOB, job({ ...times, state, ...changes }), slot);
    return instruction?.data ? identifyAssayInstruction(instruction.data) : null;
  };
  expect([ends(JobState.Posted, 1_010n), ends(JobState.Posted, 1_011n)]).toEqual([null, AssayInstruction.ExpireJob]);
  expect([ends(JobState.Claimed, 2_020n), ends(JobState.Claimed, 2_021n)]).toEqual([
    null,
    AssayInstruction.ExpireClaim,
  ]);
  for (const state of [JobState.Committed, JobState.Accepted]) {
    expect([ends(state, 3_045n), ends(state, 3_046n)]).toEqual([null, AssayInstruction.FinaliseJob]);
    expect(ends(state, 3_046n, { session: key(9) })).toBe(AssayInstruction.FinaliseReceipt);
    expect(ends(state, 3_046n, { record: { ...job({}).record, challengesOpen: 1 } })).toBeNull();
  }
  expect(ends(JobState.Settled, 1n << 60n)).toBeNull();
});

test("what is owed to whom, and when a job can be closed", () => {
  const credits = { node: 1n, client: 2n, fee: 3n, audits: 4n, delegators: 6n };
  const owing = job({ state: JobState.Settled, credits, chargeCredit: 5n });
  expect(owedTo(owing, owing.client)).toEqual({ credit: 2n, charge: 5n });
  expect(owedTo(owing, owing.payee)).toEqual({ credit: 1n, charge: 0n });
  expect(owedTo(owing, key(99))).toEqual({ credit: 0n, charge: 0n });
  const empty = job({ state: JobState.Settled });
  expect(isClosable(empty)).toBe(true);
  expect(isClosable(owing)).toBe(false);
  expect(isClosable(job({ state: JobState.Committed }))).toBe(false);
  for (const role of Object.keys(credits)) {
    expect(isClosable({ ...empty, credits: { ...empty.credits, [role]: 1n } }), role).toBe(false);
  }
  expect(isClosable({ ...empty, chargeCredit: 1n })).toBe(false);
  expect(isClosable({ ...empty, audit: { ...empty.audit, openAttestations: 1 } })).toBe(false);
  expect(isClosable({ ...empty, record: { ...empty.record, burnCredit: 1n } })).toBe(false);
  const convicted = { ...empty, state: JobState.Convicted };
  expect(isClosable(convicted)).toBe(false);
  expect(isClosable({ ...convicted, record: { ...empty.record, settled: true } })).toBe(true);
});
