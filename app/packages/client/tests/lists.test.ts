import { getBase58Decoder } from "@solana/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ASSAY_PROGRAM_ADDRESS, followJobs, JobState, LAYOUTS, listJobs, listNodes } from "../src/index.js";
import { FakeChain } from "./fake-chain.js";
import { encodedJob, key } from "./jobs.js";

let chain: FakeChain;
beforeEach(async () => {
  chain = await FakeChain.start();
});
afterEach(() => chain.stop());

test("a list asks for one kind, takes more filters, and leaves out what cannot be read and earlier layouts", async () => {
  chain.write(key(1), encodedJob({ jobId: 5n, state: JobState.Claimed }));
  chain.write(key(2), Uint8Array.from(LAYOUTS.job.head));
  chain.write(key(3), encodedJob({ jobId: 6n, version: 2 }));
  const { rpc } = chain.connections();
  const jobs = await listJobs(rpc, [{ offset: 11, bytes: Uint8Array.of(1, 2) }]);
  expect(jobs.map(({ address, data }) => [address, data.jobId, data.state])).toEqual([[key(1), 5n, JobState.Claimed]]);
  const base58 = (bytes: Uint8Array) => getBase58Decoder().decode(bytes);
  expect(chain.lastParameters).toMatchObject([
    ASSAY_PROGRAM_ADDRESS,
    {
      encoding: "base64",
      filters: [
        { memcmp: { offset: 0, bytes: base58(Uint8Array.from(LAYOUTS.job.head)), encoding: "base58" } },
        { memcmp: { offset: 11, bytes: base58(Uint8Array.of(1, 2)), encoding: "base58" } },
      ],
    },
  ]);
  expect(await listNodes(rpc), "a job is no node").toEqual([]);
});

test("jobs are followed as jobs, and other accounts pass for none", async () => {
  chain.write(key(1), encodedJob({ jobId: 5n }));
  const end = new AbortController();
  const jobs = followJobs(chain.connections(), [], { signal: end.signal, refreshMilliseconds: 60_000 });
  const next = async () => (await jobs.next()).value;
  expect(await next()).toMatchObject({ key: key(1), value: { jobId: 5n, state: JobState.Posted } });
  chain.write(key(1), encodedJob({ jobId: 5n, state: JobState.Claimed }));
  expect(await next()).toMatchObject({ value: { state: JobState.Claimed } });
  chain.write(key(1), Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9, 9));
  expect(await next()).toMatchObject({ key: key(1), value: null });
  chain.write(key(2), encodedJob({ jobId: 6n, version: 2 }));
  expect(await next()).toMatchObject({ key: key(2), value: null });
  end.abort();
});
