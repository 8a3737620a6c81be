import { JobState } from "@assay/client";
import type { Address } from "@solana/kit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { IndexFixture } from "../../../tests/fixture/index-server.ts";
import { generateMarket, START_SLOT } from "../../../tests/fixture/market.ts";
import { KINDS, type Kind, kindOf } from "../kinds.ts";
import { AHEAD, IndexClient, IndexFailure } from "./client.ts";
import { readEvents } from "./events.ts";
import { IndexShape, readJob, readRecord, readSnapshot } from "./shape.ts";
import { IndexStore, MOST_BEHIND_SLOTS } from "./store.ts";

const market = await generateMarket({ jobs: 40, nodes: 6 });
const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const signal = () => new AbortController().signal;
const addresses = (kind: Kind) =>
  [...market.accounts].filter(([, bytes]) => kindOf(bytes) === kind).map(([key]) => key);

async function fixture(): Promise<IndexFixture> {
  const index = await IndexFixture.start(market, () => START_SLOT);
  stops.push(() => index.stop());
  return index;
}

/** An endpoint's market as far as the store asks about it. */
function chain(known: ReadonlySet<Address> = new Set(market.accounts.keys()), state: "ready" | "loading" = "ready") {
  const table = (kind: Kind) => ({
    state,
    error: undefined,
    rows: [],
    byAddress: new Map(
      addresses(kind)
        .filter((address) => known.has(address))
        .map((address) => [address, { address }] as const),
    ),
  });
  return { slot: START_SLOT, table } as unknown as ConstructorParameters<typeof IndexStore>[1];
}

function started(index: IndexFixture, of = chain()): IndexStore {
  const store = new IndexStore(new IndexClient(index.url), of);
  stops.push(store.start());
  return store;
}

describe("an index", () => {
  it("tells the jobs and nodes that exist, and those that were closed", async () => {
    const index = await fixture();
    const store = started(index);
    await expect.poll(() => store.standing.state).toBe("live");
    const { jobs, nodes, jobsByAddress } = store.rows;
    expect(jobs.filter(({ closedSlot }) => closedSlot === 0n)).toHaveLength(40);
    expect(nodes).toHaveLength(6);
    for (const address of addresses("job")) {
      const bytes = market.accounts.get(address);
      if (bytes === undefined) throw new Error("There is no account.");
      const account = KINDS.job.read(bytes);
      // What an index tells of a job is what its account says.
      expect(account).toMatchObject(jobsByAddress.get(address)?.data ?? { missing: true });
    }
    const [closed] = index.closedJobs;
    expect(closed !== undefined && jobsByAddress.get(closed)?.closedSlot).toBeGreaterThan(0n);
  });

  it("is followed: rows change with its records, and whoever watches an account is told", async () => {
    const index = await fixture();
    const store = started(index);
    await expect.poll(() => store.standing.state).toBe("live");
    const job = store.rows.jobs.find(({ data }) => data.state === JobState.Claimed);
    if (job === undefined) throw new Error("No job runs.");
    const told = vi.fn();
    const other = vi.fn();
    stops.push(store.watchAccount(job.address, told), store.watchAccount(addresses("node")[0] as Address, other));
    index.record(
      "job",
      job.address,
      "job_committed",
      { node: job.data.node, output_root: "", late_bps: 0 },
      START_SLOT,
    );
    await expect.poll(() => store.rows.jobsByAddress.get(job.address)?.data.state).toBe(JobState.Committed);
    const end = { state: "convicted", reason: "wrong_result", fault_side: "provider", fault: "wrong_element" };
    index.record("job", job.address, "job_ended", { ...end, mint: job.data.paymentMint, price: "7", charge: "0" });
    await expect.poll(() => store.rows.jobsByAddress.get(job.address)?.data.state).toBe(JobState.Convicted);
    index.record("job", job.address, "closed", { last_state: "convicted", unseen_end: false });
    await expect.poll(() => store.rows.jobsByAddress.get(job.address)?.closedSlot).toBe(START_SLOT);
    expect(store.seen.map(({ change }) => change)).toEqual(["closed", "job_ended", "job_committed"]);
    expect(told).toHaveBeenCalledTimes(3);
    expect(other).not.toHaveBeenCalled();
  });

  it("that goes away is said to be away, and goes on where it was without a gap", async () => {
    const index = await fixture();
    const store = started(index);
    await expect.poll(() => store.standing.state).toBe("live");
    index.setAway(true);
    await expect.poll(() => store.standing.state).toBe("away");
    expect(store.rows.jobs.length).toBeGreaterThan(40);
    const [job] = addresses("job");
    index.record("job", job as Address, "job_accepted", {});
    index.setAway(false);
    store.retry();
    await expect.poll(() => store.standing.state).toBe("live");
    await expect.poll(() => store.seen[0]?.change).toBe("job_accepted");
  });

  it("that is far behind the endpoint is said to be so", async () => {
    const index = await fixture();
    index.faults.behindSlots = MOST_BEHIND_SLOTS + 1n;
    const store = started(index);
    await expect.poll(() => store.standing).toEqual({ state: "behind", slots: MOST_BEHIND_SLOTS + 1n });
    index.faults.behindSlots = MOST_BEHIND_SLOTS;
    await expect.poll(() => store.standing.state).toBe("live");
  });

  it("of another market is found out, but not before the endpoint's accounts are there", async () => {
    const index = await fixture();
    const unread = started(index, chain(new Set(), "loading"));
    await expect.poll(() => unread.standing.state).toBe("live");
    const foreign = started(index, chain(new Set()));
    await expect.poll(() => foreign.standing.state).toBe("foreign");
    const same = started(index, chain(new Set(addresses("node").slice(0, 1))));
    await expect.poll(() => same.standing.state).toBe("live");
  });

  it("is not taken for one where something else answers", async () => {
    const answers = (body: string) => new IndexClient("http://else", async () => new Response(body));
    const store = new IndexStore(answers("{}"), chain());
    stops.push(store.start());
    await expect.poll(() => store.standing).toMatchObject({ state: "away", isNoIndex: true });
    await expect(answers("<html>").snapshot(signal())).rejects.toThrow(SyntaxError);
  });

  it("tells the past of what it knows, and that it knows nothing else", async () => {
    const index = await fixture();
    const client = new IndexClient(index.url);
    const [closed] = index.closedJobs;
    const job = await client.job(closed as Address, signal());
    expect(job?.timeline.map(({ change }) => change)).toEqual([
      "job_posted",
      "job_claimed",
      "job_committed",
      "job_ended",
      "closed",
    ]);
    const node = await client.node(addresses("node")[0] as Address, signal());
    expect(node?.timeline.length).toBeGreaterThan(20);
    expect(await client.job(market.client, signal())).toBeUndefined();
  });

  it("that was made anew refuses to go on from a record that it does not have", async () => {
    const index = await fixture();
    const client = new IndexClient(index.url);
    const listener = { started: () => {}, record: () => {} };
    const failure = await client.follow(1_000_000, listener, signal()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IndexFailure);
    expect((failure as IndexFailure).code).toBe(AHEAD);
  });

  it("is asked for every page of a long past", async () => {
    const asked: string[] = [];
    const record = (id: number) => ({
      ...{ id, slot: id, exact: true, at: 0, kind: "budget", account: market.client, change: "budget_set" },
    });
    const client = new IndexClient("http://index", async (input) => {
      asked.push(String(input));
      const page = asked.length;
      return Response.json({ timeline: [record(page * 2 - 1), record(page * 2)], more: page < 3 });
    });
    const past = await client.account(market.client, signal());
    expect(past?.timeline.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(past?.more).toBe(false);
    expect(asked.slice(1).map((url) => new URL(url).searchParams.get("after"))).toEqual(["2", "4"]);
  });
});

describe("what an index serves", () => {
  it("is read whole or not at all", () => {
    const record = { id: 1, slot: 2, exact: false, at: 3, kind: "job", account: market.client, change: "job_accepted" };
    expect(readRecord(record)).toMatchObject({ id: 1, slot: 2n, exact: false, job: undefined });
    for (const wrong of [{ slot: -1 }, { slot: 1.5 }, { account: "0" }, { change: 7 }, { id: "1" }, { job: "x" }]) {
      expect(() => readRecord({ ...record, ...wrong }), JSON.stringify(wrong)).toThrow(IndexShape);
    }
    expect(() => readJob({ address: market.client })).toThrow(IndexShape);
    expect(() => readSnapshot({ slot: 1, last_id: 1, job_columns: [], jobs: {} })).toThrow(IndexShape);
    expect(() => readSnapshot(null)).toThrow(IndexShape);
  });

  it("comes as events however the network cuts them", async () => {
    const text = 'id:1\ndata:{"a":1}\n\n: still here\n\ndata:{"b":\ndata:2}\r\n\r\nid:9\ndata:cut';
    for (const size of [1, 3, 7, text.length]) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        text.slice(at * size, (at + 1) * size),
      );
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
          controller.close();
        },
      });
      const found: string[] = [];
      for await (const data of readEvents(new Response(body), () => {})) found.push(data);
      expect(found, `in pieces of ${size}`).toEqual(['{"a":1}', '{"b":\n2}']);
    }
  });
});
