import { expect, test } from "vitest";
import { ClientFailure, decodeBundle, encodeBundle, postJobArguments, type TensorSet, Work } from "../src/index.js";
import { hex, inner, small, text } from "./vectors.js";
import { pinned, works, workThat } from "./works.js";

test("what a job pins about its work is what the referee computes", () => {
  expect(works().length).toBeGreaterThan(2);
  for (const { vector, work } of works()) {
    expect(hex(work.graph.root)).toBe(text(vector, "root"));
    expect(hex(work.paramsRoot)).toBe(text(vector, "params_root"));
    expect(hex(work.inputsRoot)).toBe(text(vector, "inputs_root"));
    const output = inner(vector, "output");
    expect(hex(work.output.uid)).toBe(text(output, "uid"));
    expect(work.output).toMatchObject({
      leaves: small(output, "leaves"),
      depth: small(output, "depth"),
      boundaryPosition: small(output, "position"),
      boundaryCount: work.graph.boundary.length,
    });
    expect(work.pinnedSymbols.length).toBe(4);
  }
});

test("a bundle has one encoding, and nothing else is read", () => {
  const tensors: TensorSet = new Map([
    [7, Uint8Array.of(1, 2, 3)],
    [2, new Uint8Array()],
  ]);
  const encoded = encodeBundle(tensors);
  // The bytes of worker/models/src/artifact.rs: magic, version, reserved, count, then slot, length and values.
  const expected = "415354420100000002000000" + "02000000000000000000" + "07000300000000000000010203";
  expect(hex(encoded)).toBe(expected);
  expect([...decodeBundle(encoded)]).toEqual([...tensors].reverse());
  for (let length = 0; length < encoded.length; length += 1) {
    expect(() => decodeBundle(encoded.slice(0, length))).toThrow(/^T0201 /);
  }
  for (const [at, value] of [
    [0, 0],
    [4, 2],
    [6, 1],
    [12, 9],
    [15, 1],
  ] as const) {
    expect(() => decodeBundle(encoded.map((byte, index) => (index === at ? value : byte)))).toThrow(/^T0201 /);
  }
  expect(() => decodeBundle(Uint8Array.of(...encoded, 0))).toThrow(/left over/);
});

test("tensors that are missing, too many or of another size are refused", () => {
  const { work } = workThat(({ inputs }) => inputs.size > 0);
  const [slot = 0, data = new Uint8Array()] = [...work.inputs][0] ?? [];
  const again = (inputs: TensorSet) => () => new Work(work.graph, work.symbols, work.params, inputs);
  const without = new Map([...work.inputs].filter(([other]) => other !== slot));
  expect(again(without)).toThrow(/^T0202 tensor \d+ is missing/);
  expect(again(new Map([...without, [slot, data.slice(1)]]))).toThrow(/^T0202 tensor \d+ has/);
  expect(again(new Map([...work.inputs, [9_999, data]]))).toThrow(/^T0202 tensor 9999 does not belong/);
});

test("the work of another job is named by what differs", () => {
  const { work } = workThat(() => true);
  const job = pinned(work);
  work.checkIsOf(job);
  const other = new Uint8Array(32);
  const cases: readonly [string, object][] = [
    ["graph root", { graphRoot: other }],
    ["params root", { paramsRoot: other }],
    ["inputs root", { inputsRoot: other }],
    ["symbol 3", { symbols: [...job.symbols.slice(0, 3), 1] }],
    ["output's uid", { output: { ...job.output, uid: other } }],
    ["output's leaves", { output: { ...job.output, leaves: job.output.leaves + 1 } }],
    ["output's depth", { output: { ...job.output, depth: job.output.depth + 1 } }],
    ["output's place", { output: { ...job.output, boundaryPosition: 99 } }],
    ["boundary's length", { output: { ...job.output, boundaryCount: 99 } }],
  ];
  for (const [what, change] of cases) {
    const check = () => work.checkIsOf({ ...job, ...change });
    expect(check).toThrow(ClientFailure);
    expect(check).toThrow(new RegExp(`^T0203 the ${what} `));
  }
});

test("terms that are left open come from the network, and those that would be refused are", () => {
  const { work } = workThat(() => true);
  const scheduling = { opening: { delaySlots: 2, stepSlots: 10, firstExpected: 1, steps: 5 } };
  const limits = { minimumBondBps: 20_000, minimumStake: 77n, minimumWindowSlots: 30n };
  const parameters = { ...limits, audit: { epochSlots: 20 }, scheduling };
  const network = { parameters } as unknown as Parameters<typeof postJobArguments>[4];
  const mint = { bondNumerator: 3n, bondDenominator: 1n };
  const uris = { graph: "http://a/g", params: "http://a/p", inputs: "http://a/i" };
  const terms = (more: object) =>
    postJobArguments({ priceMin: 100n, priceMax: 200n, ...more }, 9n, work, uris, network, mint);
  expect(terms({})).toMatchObject({ jobId: 9n, windowSlots: 30n, minimumStake: 77n, bond: 1_200n, invitedNode: null });
  expect(terms({ auditPot: 10n, auditCap: 5n })).toMatchObject({ windowSlots: 40n, auditPot: 10n, auditCap: 5n });
  expect(terms({ windowSlots: 5n, bond: 7n, storeUri: "http://s" })).toMatchObject({ windowSlots: 5n, bond: 7n });
  expect(() => terms({ priceMax: 0n, priceMin: 0n })).toThrow(/^T0102 /);
  expect(() => terms({ priceMin: 201n })).toThrow(/^T0102 /);
  const open = { rampHoldSlots: 52n, rampSlots: 141n, claimSlots: 193n, costUnits: work.graph.costUnits(work.symbols) };
  expect(terms({ rampSlots: 141n }), "until all may claim, and until the ramp is over").toMatchObject(open);
  expect(terms({ rampHoldSlots: 60n, claimSlots: 500n })).toMatchObject({ rampHoldSlots: 60n, claimSlots: 500n });
  expect(() => terms({ priceMax: 1n << 63n })).toThrow(/^T0101 /);
});
