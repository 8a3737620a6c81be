import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { INTERFACE_DESCRIPTION } from "../scripts/render.js";
import { fetchLayout, JobState, LAYOUTS, readLayout } from "../src/index.js";
import { FakeChain } from "./fake-chain.js";
import { encodedJob, key } from "./jobs.js";
import { bytes, hex, small, text, vectors } from "./vectors.js";

let chain: FakeChain;
beforeEach(async () => {
  chain = await FakeChain.start();
});
afterEach(() => chain.stop());

test("every kind of account begins as the program has it", () => {
  const theirs = vectors("layouts").map((vector) => [
    text(vector, "kind"),
    hex(Uint8Array.of(...bytes(vector, "discriminator"), small(vector, "version"))),
  ]);
  expect(Object.values(LAYOUTS).map(({ name, head }) => [name, hex(head)])).toEqual(theirs);
  const description: { accounts: { name: string }[] } = JSON.parse(readFileSync(INTERFACE_DESCRIPTION, "utf8"));
  expect(theirs.map(([kind]) => kind).sort()).toEqual(description.accounts.map(({ name }) => name).sort());
});

test("another version, another kind and too few bytes are not read", () => {
  const data = encodedJob({ jobId: 5n });
  expect(readLayout(LAYOUTS.job, data)).toMatchObject({ jobId: 5n, state: JobState.Posted });
  for (const place of [0, 7, 8]) {
    const other = data.slice();
    other[place] = (other[place] ?? 0) - 1;
    expect(readLayout(LAYOUTS.job, other), `byte ${place}`).toBeNull();
  }
  expect(readLayout(LAYOUTS.job, data.slice(0, 100))).toBeNull();
  expect(readLayout(LAYOUTS.node, data)).toBeNull();
});

test("an account that is fetched is there in this layout, or not there, or refused", async () => {
  const { rpc } = chain.connections();
  chain.write(key(1), encodedJob({ jobId: 5n }));
  chain.write(key(2), encodedJob({ jobId: 5n, version: 2 }));
  expect(await fetchLayout(rpc, LAYOUTS.job, key(1))).toMatchObject({ jobId: 5n });
  expect(await fetchLayout(rpc, LAYOUTS.job, key(3))).toBeNull();
  await expect(fetchLayout(rpc, LAYOUTS.job, key(2))).rejects.toThrow(/^T0404 .* is no Job .*network migrate/);
  await expect(fetchLayout(rpc, LAYOUTS.network, key(1))).rejects.toThrow(/^T0404 .* is no Network/);
});
