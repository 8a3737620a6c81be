import { beforeAll, expect, test } from "vitest";
import type { OpenedLeaf, Verifier, Work } from "../src/index.js";
import { loadVerifier } from "../src/node.js";
import { flipped, VERIFICATIONS, type Verification } from "./vectors.js";
import { codeOf, describeWithModule } from "./with-module.js";

function given(verifier: Verifier, { pins, artifacts }: Verification): Work {
  const work = verifier.open(artifacts.graph, pins.symbols);
  work.giveParams(artifacts.params);
  work.giveInputs(artifacts.inputs);
  return work;
}

function finished(verifier: Verifier, vector: Verification): Work {
  const work = given(verifier, vector);
  expect(work.advance(work.graph.points).finished).toBe(true);
  return work;
}

describeWithModule("checks agree with the referee's vectors", () => {
  let verifier: Verifier;
  beforeAll(async () => {
    verifier = await loadVerifier();
  });

  test.each(VERIFICATIONS)("$name: roots of graph, params and inputs", ({ pins, artifacts }) => {
    const work = verifier.open(artifacts.graph, pins.symbols);
    expect(work.graph.root).toEqual(pins.graphRoot);
    expect(work.giveParams(artifacts.params)).toEqual(pins.paramsRoot);
    expect(work.giveInputs(artifacts.inputs)).toEqual(pins.inputsRoot);
    work.close();
  });

  test.each(VERIFICATIONS)("$name: the graph is described", ({ pins, artifacts, honest }) => {
    const work = verifier.open(artifacts.graph, pins.symbols);
    const { graph } = work;
    expect(graph.boundaryCount).toBe(pins.output.boundaryCount);
    expect(graph.ops.reduce((sum, op) => sum + op.points, 0n)).toBe(graph.points);
    const boundary = graph.tensors.flatMap((tensor, slot) => (tensor.boundaryPosition === undefined ? [] : [slot]));
    expect(new Set(boundary)).toEqual(new Set(honest.served.keys()));
    expect(graph.tensors[graph.outputSlot]?.boundaryPosition).toBe(pins.output.boundaryPosition);
    expect(graph.tensors.every((tensor) => (tensor.kind === "temp") === (tensor.op !== undefined))).toBe(true);
    const sizes = { i8: 1, u8: 1, i16: 2, i32: 4 };
    const bytes = graph.tensors.map(({ dtype, dims }) => dims.reduce((product, dim) => product * dim, sizes[dtype]));
    expect(BigInt(bytes.reduce((sum, size) => sum + size, 0))).toBe(graph.bytes);
    work.close();
  });

  test.each(VERIFICATIONS)("$name: a job that pins anything else is another job", async (vector) => {
    const work = given(verifier, vector);
    const { pins } = vector;
    work.checkJob(pins);
    const { output } = pins;
    const others = [
      { ...pins, graphRoot: flipped(pins.graphRoot) },
      { ...pins, paramsRoot: flipped(pins.paramsRoot) },
      { ...pins, inputsRoot: flipped(pins.inputsRoot) },
      { ...pins, irVersion: pins.irVersion + 1 },
      { ...pins, symbols: [...pins.symbols.slice(0, 3), 1] },
      { ...pins, output: { ...output, uid: flipped(output.uid) } },
      { ...pins, output: { ...output, leaves: output.leaves + 1 } },
      { ...pins, output: { ...output, depth: output.depth + 1 } },
      { ...pins, output: { ...output, boundaryPosition: output.boundaryPosition + 1 } },
      { ...pins, output: { ...output, boundaryCount: output.boundaryCount + 1 } },
    ];
    for (const other of others) expect(await codeOf(() => work.checkJob(other))).toBe("B0103");
    work.close();
  });

  test.each(VERIFICATIONS)("$name: a run gives the committed roots and the served bytes", (vector) => {
    const work = finished(verifier, vector);
    const { committed, served } = vector.honest;
    const result = work.result();
    expect(result.boundaryRoot).toEqual(committed.boundaryRoot);
    expect(result.outputRoot).toEqual(committed.outputRoot);
    expect(result.boundary.map(({ slot }) => slot)).toEqual([...served.keys()]);
    for (const [slot, bytes] of served) expect(work.tensor("computed", slot)).toEqual(bytes);
    for (const [index, [slot, bytes]] of [...served].entries()) {
      expect(work.serve(slot, bytes).hash).toEqual(result.boundary[index]?.hash);
    }
    expect(work.firstDifference()).toBeUndefined();
    expect(verifier.commitment(committed.job, committed.node, result.boundaryRoot)).toEqual(committed.commitment);
    work.close();
  });

  test.each(VERIFICATIONS)("$name: elements", async (vector) => {
    const work = finished(verifier, vector);
    for (const { slot, element, value } of vector.elements) {
      const recomputed = work.element("computed", slot, element);
      expect(recomputed).toMatchObject({ value, stands: value, op: work.graph.tensors[slot]?.op });
      expect(recomputed.reads.length).toBe(Math.min(recomputed.readCount, 4096));
    }
    expect(await codeOf(() => work.element("computed", work.graph.outputSlot, 2 ** 31))).toBe("B0108");
    expect(await codeOf(() => work.element("computed", 0, 0))).toBe("B0109");
    work.close();
  });

  test.each(VERIFICATIONS)("$name: a wrong byte, position, root or path of a leaf is refused", async (vector) => {
    const work = finished(verifier, vector);
    const slot = work.graph.outputSlot;
    const leaf: OpenedLeaf = work.leaf("computed", slot, 3);
    expect(leaf.root).toEqual(vector.honest.committed.outputRoot);
    work.checkLeaf(slot, leaf);
    const wrong = [
      { ...leaf, data: flipped(leaf.data) },
      { ...leaf, data: leaf.data.subarray(1) },
      { ...leaf, root: flipped(leaf.root) },
      { ...leaf, position: leaf.position + 1 },
      { ...leaf, path: [...leaf.path, leaf.root] },
    ];
    for (const other of wrong) expect(await codeOf(() => work.checkLeaf(slot, other))).toBe("B0203");
    const wide = vector.honest.served.keys().next().value ?? 0;
    const deep = work.leaf("computed", wide, 0);
    work.checkLeaf(wide, deep);
    for (const [level, hash] of deep.path.entries()) {
      const path = deep.path.with(level, flipped(hash));
      expect(await codeOf(() => work.checkLeaf(wide, { ...deep, path }))).toBe("B0203");
    }
    work.close();
  });

  test.each(VERIFICATIONS)("$name: another output, root or path is refused", async (vector) => {
    const work = verifier.open(vector.artifacts.graph, vector.pins.symbols);
    const { outputRoot, boundaryRoot } = vector.honest.committed;
    const bytes = vector.honest.served.get(work.graph.outputSlot) ?? new Uint8Array();
    work.checkOutput(outputRoot, bytes);
    expect(await codeOf(() => work.checkOutput(outputRoot, flipped(bytes)))).toBe("B0202");
    expect(await codeOf(() => work.checkOutput(flipped(outputRoot), bytes))).toBe("B0202");
    expect(await codeOf(() => work.checkOutput(outputRoot, bytes.subarray(1)))).toBe("B0201");
    const path = vector.outputPath;
    work.checkOutputPath(outputRoot, boundaryRoot, path);
    expect(await codeOf(() => work.checkOutputPath(flipped(outputRoot), boundaryRoot, path))).toBe("B0204");
    expect(await codeOf(() => work.checkOutputPath(outputRoot, flipped(boundaryRoot), path))).toBe("B0204");
    expect(await codeOf(() => work.checkOutputPath(outputRoot, boundaryRoot, path.slice(1)))).toBe("B0204");
    for (const [level, hash] of path.entries()) {
      const other = path.with(level, flipped(hash));
      expect(await codeOf(() => work.checkOutputPath(outputRoot, boundaryRoot, other))).toBe("B0204");
    }
    work.close();
  });

  test.each(VERIFICATIONS)("$name: proofs get the referee's verdict", ({ proofs }) => {
    expect(proofs.filter(({ finding }) => finding !== undefined).length).toBeGreaterThan(2);
    for (const { pins, proof, finding, rejection } of proofs) {
      if (finding !== undefined) {
        expect(verifier.judge(pins, proof)).toEqual(finding);
        expect(() => verifier.judge({ ...pins, graphRoot: flipped(pins.graphRoot) }, proof)).toThrow("R0110");
        expect(() => verifier.judge(pins, proof.subarray(0, -1))).toThrow(/^R01/);
      } else {
        expect(() => verifier.judge(pins, proof)).toThrow(rejection ?? "no verdict in the vector");
      }
    }
  });

  test("graphs that are none, and symbol values beyond their bounds, are refused by the referee's codes", async () => {
    const { artifacts } = VERIFICATIONS[0] as Verification;
    expect(await codeOf(() => verifier.open(artifacts.graph.subarray(1), [3]))).toBe("G0001");
    expect(await codeOf(() => verifier.open(artifacts.graph, [9, 0, 0, 0]))).toMatch(/^G01/);
    expect(await codeOf(() => verifier.open(artifacts.graph, [0, 0, 0, 0]))).toMatch(/^G01/);
  });

  test("a closed work is closed", async () => {
    const { artifacts, pins } = VERIFICATIONS[0] as Verification;
    const work = verifier.open(artifacts.graph, pins.symbols);
    work.close();
    expect(await codeOf(() => work.giveParams(artifacts.params))).toBe("B0003");
  });

  test("values that do not fit the interface are refused before they cross", async () => {
    const { artifacts, pins, honest } = VERIFICATIONS[0] as Verification;
    const { committed } = honest;
    const short = committed.job.subarray(1);
    expect(await codeOf(() => verifier.commitment(short, committed.node, committed.boundaryRoot))).toBe("B0305");
    expect(await codeOf(() => verifier.open(artifacts.graph, [1.5]))).toBe("B0305");
    expect(await codeOf(() => verifier.open(artifacts.graph, [-1]))).toBe("B0305");
    expect(await codeOf(() => verifier.open(artifacts.graph, [2 ** 32]))).toBe("B0305");
    const work = verifier.open(artifacts.graph, pins.symbols);
    expect(await codeOf(() => work.checkJob({ ...pins, symbols: [3] }))).toBe("B0305");
    work.close();
  });
});
