import { getJobEncoder, JobState } from "@assay/client";
import { type Address, getBase58Encoder } from "@solana/kit";
import { afterEach, describe, expect, it } from "vitest";
import { Random } from "../../tests/fixture/random.ts";
import { sampleJob } from "../stories/samples.ts";
import type { Kind } from "./kinds.ts";
import type { FollowListener, MarketSource, RawAccount, RawChange } from "./source.ts";
import { MarketStore } from "./store.ts";

const random = new Random(6);
const encoder = getJobEncoder();
const job = (state: JobState, postedSlot = 1_000n) => encoder.encode({ ...sampleJob(state), postedSlot });

/** A source whose connection the test holds in its hand. */
class Hand implements MarketSource {
  accounts = new Map<Address, RawAccount["bytes"]>();
  reachable = true;
  follows = true;
  loads = 0;
  listener: FollowListener | undefined;
  #drop: ((error: Error) => void) | undefined;

  async load(kind: Kind): Promise<readonly RawAccount[]> {
    if (!this.reachable) throw new TypeError("Failed to fetch");
    if (kind !== "job") return [];
    this.loads += 1;
    return [...this.accounts].map(([address, bytes]) => ({ address, bytes }));
  }

  follow(listener: FollowListener, signal: AbortSignal): Promise<void> {
    if (!this.reachable || !this.follows) return Promise.reject(new Error("No notifications here."));
    this.listener = listener;
    listener.started();
    return new Promise((resolve, reject) => {
      this.#drop = reject;
      signal.addEventListener("abort", () => resolve());
    });
  }

  async slot(): Promise<bigint> {
    if (!this.reachable) throw new TypeError("Failed to fetch");
    return 100n;
  }

  async fetch(addresses: readonly Address[]): Promise<readonly RawChange[]> {
    return addresses.map((address) => ({ address, bytes: this.accounts.get(address), slot: 120n }));
  }

  async present(): Promise<ReadonlySet<Address>> {
    return new Set(this.accounts.keys());
  }

  async decimals(): Promise<number> {
    return 6;
  }

  drop(): void {
    this.#drop?.(new Error("The endpoint ended the subscription."));
  }
}

/** Waits until something is so; on a busy machine a while longer. */
const until = (holds: () => boolean) => expect.poll(holds, { interval: 10 }).toBe(true);

let stop = () => {};
const started = (hand: Hand) => {
  const store = new MarketStore(hand);
  stop = store.start();
  return store;
};
afterEach(() => stop());

describe("the market as the app knows it", () => {
  it("is loaded once and kept up by notifications, which are told of", async () => {
    const hand = new Hand();
    const address = random.address();
    hand.accounts.set(address, job(JobState.Posted));
    const store = started(hand);
    await until(() => store.connection.state === "live");
    expect(store.table("job").byAddress.get(address)?.data.state).toBe(JobState.Posted);
    hand.listener?.change({ address, bytes: job(JobState.Claimed), slot: 105n });
    await until(() => store.table("job").byAddress.get(address)?.data.state === JobState.Claimed);
    hand.listener?.change({ address, bytes: undefined, slot: 106n });
    await until(() => store.table("job").rows.length === 0);
    expect(store.seen.map(({ after }) => (after === undefined ? "gone" : "changed"))).toEqual(["gone", "changed"]);
    expect(hand.loads).toBe(1);
  });

  it("looks at what the app itself has written, and notices what was closed without a word", async () => {
    const hand = new Hand();
    const [written, closed] = [random.address(), random.address()];
    hand.accounts.set(written, job(JobState.Posted));
    hand.accounts.set(closed, job(JobState.Settled));
    const store = started(hand);
    await until(() => store.connection.state === "live");
    hand.accounts.set(written, job(JobState.Cancelled));
    await store.refresh([written, random.address()]);
    await until(() => store.table("job").byAddress.get(written)?.data.state === JobState.Cancelled);
    hand.accounts.delete(closed);
    await until(() => !store.table("job").byAddress.has(closed));
    expect(store.table("job").rows).toHaveLength(1);
  });

  it("takes the newest of two notifications, whichever comes first", async () => {
    const hand = new Hand();
    const address = random.address();
    const store = started(hand);
    await until(() => store.connection.state === "live");
    hand.listener?.change({ address, bytes: job(JobState.Committed), slot: 110n });
    hand.listener?.change({ address, bytes: job(JobState.Claimed), slot: 109n });
    await until(() => store.table("job").rows.length === 1);
    expect(store.table("job").rows[0]?.data.state).toBe(JobState.Committed);
  });

  it("is loaded again after a gap, so that nothing that happened meanwhile is missed", async () => {
    const hand = new Hand();
    const store = started(hand);
    await until(() => store.connection.state === "live");
    hand.reachable = false;
    hand.drop();
    await until(() => store.connection.state === "offline");
    hand.accounts.set(random.address(), job(JobState.Posted));
    hand.reachable = true;
    store.retry();
    await until(() => store.connection.state === "live");
    expect(store.table("job").rows).toHaveLength(1);
  });

  it("stays on screen while the endpoint is away", async () => {
    const hand = new Hand();
    hand.accounts.set(random.address(), job(JobState.Posted));
    const store = started(hand);
    await until(() => store.connection.state === "live");
    hand.reachable = false;
    hand.drop();
    await until(() => store.connection.state === "offline");
    expect(store.table("job")).toMatchObject({ state: "ready" });
    expect(store.table("job").rows).toHaveLength(1);
  });

  it("says so where it was never loaded", async () => {
    const hand = new Hand();
    hand.reachable = false;
    const store = started(hand);
    await until(() => store.connection.state === "offline");
    expect(store.table("job")).toMatchObject({ state: "failed", error: "The endpoint does not answer." });
  });

  it("is polled where nothing tells of changes", async () => {
    const hand = new Hand();
    hand.follows = false;
    hand.accounts.set(random.address(), job(JobState.Posted));
    const store = started(hand);
    await until(() => store.connection.state === "polling");
    expect(store.table("job").rows).toHaveLength(1);
  });

  it("leaves out an account that it cannot read, and shows the rest", async () => {
    const hand = new Hand();
    hand.accounts.set(random.address(), job(JobState.Posted));
    hand.accounts.set(random.address(), job(JobState.Posted).slice(0, 40));
    const store = started(hand);
    await until(() => store.connection.state === "live");
    expect(store.table("job").rows).toHaveLength(1);
    expect(getBase58Encoder().encode(store.table("job").rows[0]?.address ?? "")).toHaveLength(32);
  });
});
