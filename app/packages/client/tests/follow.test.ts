import { type Address, getAddressDecoder } from "@solana/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BackOff, delay } from "../src/follow/delay.js";
import {
  type AccountState,
  type Connection,
  followAccount,
  followProgramAccounts,
  followSlots,
  type Observed,
} from "../src/index.js";
import { FakeChain } from "./fake-chain.js";

const key = (byte: number): Address => getAddressDecoder().decode(new Uint8Array(32).fill(byte));
const [ONE, OTHER] = [key(1), key(2)];
const data = (byte: number) => Uint8Array.of(byte);

let chain: FakeChain;
let end: AbortController;
beforeEach(async () => {
  chain = await FakeChain.start();
  end = new AbortController();
});
afterEach(async () => {
  end.abort();
  await chain.stop();
});

const patient = { firstWaitMilliseconds: 5, longestWaitMilliseconds: 20, refreshMilliseconds: 60_000 };
/** The first byte of a state; none where there is nothing. */
const first = ({ value }: Observed<Address, AccountState>) => value?.data[0] ?? null;

/** The next of what is followed; fails where nothing comes. */
async function next<Value>(changes: AsyncGenerator<Value, void, undefined>): Promise<Value> {
  const { value, done } = await changes.next();
  if (done || value === undefined) throw new Error("following has ended");
  return value;
}

/** Waits until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo() && turn < 4_000; turn += 1) await delay(5);
  expect(isSo()).toBe(true);
}

test("the present state comes first, then every change", async () => {
  chain.write(ONE, data(1));
  const changes = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal });
  expect(first(await next(changes))).toBe(1);
  chain.write(ONE, data(2));
  chain.write(OTHER, data(9));
  chain.write(ONE, data(3));
  const change = await next(changes);
  expect([first(change), first(await next(changes))]).toEqual([2, 3]);
  expect(change.slot).toBe(BigInt(chain.slot - 2));
});

test("an account that is not there says so, then appears, then is closed", async () => {
  const changes = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal });
  expect(first(await next(changes))).toBeNull();
  chain.write(ONE, data(1));
  expect(first(await next(changes))).toBe(1);
  chain.write(ONE, null);
  expect(first(await next(changes))).toBeNull();
});

test("what happened while the websocket was down is caught up with, once", async () => {
  chain.write(ONE, data(1));
  const connections: Connection[] = [];
  const onConnection = (connection: Connection) => connections.push(connection);
  const changes = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal, onConnection });
  expect(first(await next(changes))).toBe(1);
  for (const byte of [2, 3, 4]) {
    chain.drop();
    chain.write(ONE, data(byte));
    expect(first(await next(changes)), "read after the reconnect").toBe(byte);
  }
  chain.write(ONE, data(5));
  expect(first(await next(changes)), "live again, and nothing twice in between").toBe(5);
  expect(chain.subscriptionsMade).toBe(4);
  expect(connections.filter(({ kind }) => kind === "waiting")).toHaveLength(3);
});

test("a drop without a change is not heard of", async () => {
  chain.write(ONE, data(1));
  const changes = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal });
  await next(changes);
  const coming = next(changes);
  chain.drop();
  await until(() => chain.subscriptionsMade === 2 && chain.reads === 2);
  chain.write(ONE, data(2));
  expect(first(await coming)).toBe(2);
});

test("a change between the subscription and the read is neither lost nor told twice", async () => {
  chain.write(ONE, data(1));
  let written = false;
  chain.beforeRead = () => {
    if (!written) chain.write(ONE, data(2));
    written = true;
  };
  const changes = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal });
  expect(first(await next(changes))).toBe(2);
  chain.write(ONE, data(3));
  expect(first(await next(changes))).toBe(3);
});

test("what is older than what was seen is passed over", async () => {
  chain.write(ONE, data(1));
  const changes = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal });
  await next(changes);
  chain.write(ONE, data(7), { quietly: true });
  chain.announce(ONE, 50);
  chain.write(ONE, data(2));
  expect(first(await next(changes))).toBe(2);
});

test("an endpoint that fails is asked again, with a wait that grows", async () => {
  chain.failReads = true;
  const waits: number[] = [];
  const onConnection = (connection: Connection) => {
    if (connection.kind === "waiting") waits.push(connection.milliseconds);
  };
  const changes = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal, onConnection });
  const coming = next(changes);
  await until(() => waits.length >= 4);
  chain.failReads = false;
  expect(first(await coming)).toBeNull();
  expect(waits[0]).toBeLessThanOrEqual(5);
  expect(Math.max(...waits)).toBeGreaterThan(5);
  expect(Math.max(...waits)).toBeLessThanOrEqual(20);
});

test("accounts of the program: all present ones, changes, and those that vanish unannounced", async () => {
  chain.write(ONE, data(1));
  chain.write(OTHER, data(2));
  const changes = followProgramAccounts(chain.connections(), [], {
    ...patient,
    refreshMilliseconds: 50,
    signal: end.signal,
  });
  const present = [await next(changes), await next(changes)].map((change) => [change.key, first(change)]);
  expect(new Map(present as [Address, number][])).toEqual(
    new Map([
      [ONE, 1],
      [OTHER, 2],
    ]),
  );
  chain.write(OTHER, data(3));
  const changed = await next(changes);
  expect([changed.key, first(changed)]).toEqual([OTHER, 3]);
  chain.write(ONE, null);
  const gone = await next(changes);
  expect([gone.key, first(gone)], "found by the next look").toEqual([ONE, null]);
  chain.drop();
  chain.write(ONE, data(4));
  const again = await next(changes);
  expect([again.key, first(again)]).toEqual([ONE, 4]);
});

test("slots only rise, through a drop too", async () => {
  const slots = followSlots(chain.connections(), { ...patient, signal: end.signal });
  expect(await next(slots)).toBe(100n);
  chain.tick();
  expect(await next(slots)).toBe(101n);
  chain.drop();
  chain.slot = 200;
  expect(await next(slots)).toBe(200n);
});

test("an aborted signal ends following, and the websocket with it", async () => {
  const changes = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal });
  await next(changes);
  expect(chain.open).toBe(1);
  const coming = changes.next();
  end.abort();
  expect(await coming).toEqual({ done: true, value: undefined });
  await until(() => chain.open === 0);
  const none = followAccount(chain.connections(), ONE, { ...patient, signal: end.signal });
  expect((await none.next()).done).toBe(true);
});

test("who stops in between leaves nothing open", async () => {
  for await (const _ of followAccount(chain.connections(), ONE, patient)) break;
  await until(() => chain.open === 0);
});

test("waits double up to the longest, begin again after a success, and have a random part", () => {
  const sure = new BackOff(100, 1_000, () => 1);
  expect([sure.next(), sure.next(), sure.next(), sure.next(), sure.next(), sure.next()]).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  sure.reset();
  expect(sure.next()).toBe(100);
  expect(new BackOff(100, 1_000, () => 0).next()).toBe(50);
});
