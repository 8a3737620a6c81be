/** The whole way over a real endpoint with a node: `npm run test:localnet`, with what `@assay/localnet` asks for. */
import { readFileSync } from "node:fs";
import { hasLocalnet, Localnet } from "@assay/localnet";
import { address, createKeyPairSignerFromBytes } from "@solana/kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connect,
  decodeBundle,
  escrowOf,
  fetchBoundary,
  fetchMaybeJob,
  followSlots,
  Graph,
  isCommitment,
  JobState,
  jobAddress,
  listJobs,
  listNodes,
  listPaymentMints,
  Market,
  priceAt,
  Store,
  settlementOf,
  U64_MAX,
  Work,
} from "../src/index.js";

const terms = { priceMin: 500_000n, priceMax: 2_000_000n };

describe.skipIf(!hasLocalnet())("on a localnet with a node", () => {
  let localnet: Localnet;
  let market: Market;
  let work: Work;
  const mint = () => address(localnet.ready.payment_mint);

  beforeAll(async () => {
    localnet = await Localnet.start(1);
    await localnet.addNode(0);
    const { rpc_url, ws_url, keys } = localnet.ready;
    const key = Uint8Array.from(JSON.parse(readFileSync(keys.client, "utf8")));
    market = new Market(connect(rpc_url, ws_url), await createKeyPairSignerFromBytes(key));
    const read = (kind: string) => new Uint8Array(readFileSync(`${localnet.digits}.${kind}`));
    const graph = new Graph(read("graph"));
    work = new Work(graph, [16], decodeBundle(read("params")), decodeBundle(read("inputs")));
  }, 600_000);
  afterAll(() => localnet?.stop());

  test("a job is posted, claimed, committed, verified, accepted, settled, paid out and closed", async () => {
    const uris = await new Store(localnet.storeUrl).putWork(work.artifacts());
    // Long enough to look at the result and accept it on a busy machine.
    const posted = await market.post(work, uris, { ...terms, windowSlots: 200n }, mint());
    const states: JobState[] = [];
    const onProgress = ({ state }: { state: JobState }) => states.push(state);
    const committed = await market.waitForResult(posted.address, { onProgress });
    // A busy machine may see nothing before the commitment, but never one state twice or backwards.
    expect(states).toEqual([...new Set(states)].sort());
    expect(states.at(-1)).toBe(JobState.Committed);
    expect(committed.state).toBe(JobState.Committed);
    expect(isCommitment(posted.address, committed)).toBe(true);
    expect(committed.price).toBe(priceAt(committed, committed.claimedSlot));
    expect((await listJobs(market.connections.rpc)).map((job) => job.address)).toContain(posted.address);

    const output = await market.result(work, committed);
    expect(output.length).toBe(work.outputLayout.bytes);
    const boundary = await fetchBoundary(work, committed, await market.stores(committed));
    expect(boundary.get(work.outputSlot)).toEqual(output);

    await market.accept(posted.address);
    const settled = await market.waitForEnd(posted.address);
    expect(settled.state).toBe(JobState.Settled);
    const reclaimed = await market.reclaim(posted.address);
    expect(reclaimed.refund).toBe(settlementOf(committed).client);
    expect(reclaimed.closed).toBe(true);
    expect((await fetchMaybeJob(market.connections.rpc, posted.address)).exists).toBe(false);
  });

  test("a job that no node may claim is cancelled, and everything comes back", async () => {
    const uris = await new Store(localnet.storeUrl).putWork(work.artifacts());
    const posted = await market.post(work, uris, { ...terms, minimumStake: 1n << 60n }, mint());
    const job = await market.job(posted.address);
    expect(job?.state).toBe(JobState.Posted);
    await market.cancel(posted.address);
    const cancelled = await market.waitForEnd(posted.address);
    expect(cancelled.state).toBe(JobState.Cancelled);
    expect(await market.reclaim(posted.address)).toEqual({ refund: escrowOf(cancelled), charge: 0n, closed: true });
  });

  test("refusals of the program come as sentences with its code", async () => {
    const uris = { graph: "http://a/g", params: "http://a/p", inputs: "http://a/i" };
    await expect(market.post(work, uris, { ...terms, runSlots: 0n }, mint())).rejects.toThrow(/^T0403 .*P6\d{3}/);
    await expect(market.post(work, uris, terms, market.payer.address)).rejects.toThrow(/^T0402 /);
    await expect(market.reclaim(market.payer.address)).rejects.toThrow(/^T0404 /);
    await expect(market.reclaim(await jobAddress(market.payer.address, U64_MAX))).rejects.toThrow(/^T0401 /);
  });

  test("what is listed is what is there, and slots go on", async () => {
    const { rpc } = market.connections;
    expect((await listPaymentMints(rpc)).map(({ data }) => data.mint)).toContain(mint());
    expect((await listNodes(rpc)).length).toBeGreaterThan(0);
    const slots: bigint[] = [];
    for await (const slot of followSlots(market.connections)) if (slots.push(slot) === 3) break;
    // As numbers: as texts, 1000 comes before 999.
    expect([...slots].sort((one, other) => (one < other ? -1 : 1))).toEqual(slots);
  });
});
