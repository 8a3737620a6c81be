import { expect, test } from "vitest";
import {
  commitmentHash,
  depthFor,
  Graph,
  ListRole,
  listRoot,
  merklePath,
  merkleRoot,
  rootFromPath,
  sha256,
  TensorKind,
  TensorLayout,
  tensorHash,
} from "../src/index.js";
import { big, bytes, hex, inner, list, small, text, unhex, type Vector, vectors } from "./vectors.js";

test("layouts, roots and paths of tensors are those of the referee", () => {
  for (const vector of vectors("tensors")) {
    const dims = list(vector, "dims", Number);
    const layout = new TensorLayout(small(vector, "slot"), small(vector, "dtype"), small(vector, "kind"), dims);
    const data = bytes(vector, "data");
    expect(hex(layout.uid)).toBe(text(vector, "uid"));
    expect([layout.leaves, layout.depth, layout.bytes]).toEqual([
      small(vector, "leaves"),
      small(vector, "depth"),
      data.length,
    ]);
    expect(hex(layout.root(data))).toBe(text(vector, "root"));
    expect(hex(layout.hash(data))).toBe(text(vector, "hash"));
    const position = small(vector, "position");
    const path = list(vector, "path", unhex);
    expect(layout.leafRange(position)).toEqual({ from: small(vector, "from"), to: small(vector, "to") });
    expect(layout.path(data, position)?.map(hex)).toEqual(path.map(hex));
    refusesForgedLeaves(layout, bytes(vector, "root"), position, data, path);
  }
});

function refusesForgedLeaves(
  layout: TensorLayout,
  root: Uint8Array,
  position: number,
  data: Uint8Array,
  path: readonly Uint8Array[],
): void {
  const range = layout.leafRange(position);
  const leaf = data.slice(range?.from, range?.to);
  expect(layout.verifyLeaf(root, position, leaf, path)).toBe(true);
  const other = leaf.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
  expect(layout.verifyLeaf(root, position, other, path), "another byte").toBe(false);
  expect(layout.verifyLeaf(root, position, leaf.slice(1), path), "a byte less").toBe(false);
  expect(layout.verifyLeaf(root, position + 1, leaf, path), "another position").toBe(false);
  expect(layout.verifyLeaf(root, position, leaf, [...path, root]), "a longer path").toBe(false);
  expect(layout.verifyLeaf(leaf, position, leaf, path), "another root").toBe(false);
  expect([layout.root(data.slice(1)), layout.path(data.slice(1), position)]).toEqual([null, null]);
}

test("roots of graphs, params, inputs, boundaries and commitments are those of the referee", () => {
  for (const vector of vectors("graphs")) {
    const graph = new Graph(bytes(vector, "graph"));
    expect(hex(graph.root)).toBe(text(vector, "root"));
    expect(graph.outputs).toEqual(list(vector, "outputs", Number));
    expect(graph.boundary).toEqual(list(vector, "boundary_slots", Number));
    const layouts = graph.layouts(list(vector, "symbols", Number));
    const root = (role: ListRole, slots: readonly number[], data: readonly Uint8Array[]) => {
      const hashes = slots.map((slot, index) => layouts[slot]?.hash(data[index] ?? new Uint8Array()) ?? unhex(""));
      return hex(listRoot(role, hashes.length, depthFor(hashes.length), merkleRoot(hashes)));
    };
    const data = (field: string) => list(vector, field, unhex);
    expect(root(ListRole.Inputs, graph.slotsOf(TensorKind.Input), data("inputs"))).toBe(text(vector, "inputs_root"));
    expect(root(ListRole.Params, graph.slotsOf(TensorKind.Param), data("params"))).toBe(text(vector, "params_root"));
    expect(root(ListRole.Boundary, graph.boundary, data("boundary"))).toBe(text(vector, "boundary_root"));
    const commitment = commitmentHash(bytes(vector, "job"), bytes(vector, "node"), bytes(vector, "boundary_root"));
    expect(hex(commitment)).toBe(text(vector, "commitment"));
    opensTheOutput(vector, graph, layouts);
  }
});

function opensTheOutput(vector: Vector, graph: Graph, layouts: readonly TensorLayout[]): void {
  const output = inner(vector, "output");
  const slot = graph.outputs[0] ?? -1;
  const layout = layouts[slot];
  expect(hex(layout?.uid ?? null)).toBe(text(output, "uid"));
  expect([layout?.leaves, layout?.depth]).toEqual([small(output, "leaves"), small(output, "depth")]);
  expect(hex(layout?.root(bytes(output, "data")) ?? null)).toBe(text(output, "root"));
  expect(graph.boundary.indexOf(slot)).toBe(small(output, "position"));
  const leaf = tensorHash(bytes(output, "uid"), small(output, "leaves"), small(output, "depth"), bytes(output, "root"));
  const reached = rootFromPath(leaf, small(output, "position"), list(output, "path", unhex));
  const count = graph.boundary.length;
  expect(hex(listRoot(ListRole.Boundary, count, depthFor(count), reached ?? unhex("")))).toBe(
    text(vector, "boundary_root"),
  );
}

test("graphs cost what the program's measure says", () => {
  const costs = new Map(vectors("costs").map((vector) => [text(vector, "root"), big(vector, "cost_units")]));
  for (const vector of vectors("graphs")) {
    const graph = new Graph(bytes(vector, "graph"));
    expect(graph.costUnits(list(vector, "symbols", Number))).toBe(costs.get(text(vector, "root")));
  }
});

test("every leaf of a tree opens and no other position does", () => {
  for (let count = 1; count < 20; count += 1) {
    const leaves = Array.from({ length: count }, (_, index) => sha256(Uint8Array.of(index)));
    const root = merkleRoot(leaves);
    leaves.forEach((leaf, position) => {
      const path = merklePath(leaves, position) ?? [];
      expect(path.length).toBe(depthFor(count));
      expect(hex(rootFromPath(leaf, position, path))).toBe(hex(root));
      expect(rootFromPath(leaf, position + (1 << path.length), path), "a bit that no level consumes").toBeNull();
    });
    expect([merklePath(leaves, count), merklePath(leaves, -1)]).toEqual([null, null]);
  }
  expect([0, 1, 2, 3, 4, 5, 2 ** 31, 2 ** 32 - 1].map(depthFor)).toEqual([0, 0, 1, 2, 2, 3, 31, 32]);
});

test("bytes that are no graph are refused with the place, whatever is changed", () => {
  const encoded = bytes(vectors("graphs")[0] ?? {}, "graph");
  const root = hex(new Graph(encoded).root);
  for (let length = 0; length < encoded.length; length += 7) {
    expect(() => new Graph(encoded.slice(0, length))).toThrow(/^T0201 .* at byte \d+/);
  }
  expect(() => new Graph(Uint8Array.of(...encoded, 0))).toThrow(/1 bytes are left over/);
  expect(() => new Graph(encoded.map((byte, index) => (index === 4 ? 2 : byte)))).toThrow(/version 2 instead of 1/);
  for (let index = 0; index < encoded.length; index += 3) {
    const changed = encoded.map((byte, at) => (at === index ? byte ^ 0x10 : byte));
    let found: string | null = null;
    try {
      found = hex(new Graph(changed).root);
    } catch (failure) {
      expect(String(failure)).toMatch(/T0201/);
    }
    expect(found).not.toBe(root);
  }
});

test("symbol values out of bounds are refused", () => {
  const vector = vectors("graphs").find((candidate) => list(candidate, "symbols", Number).length > 0);
  const graph = new Graph(bytes(vector ?? {}, "graph"));
  const symbols = list(vector ?? {}, "symbols", Number);
  expect(() => graph.layouts([...symbols, 1])).toThrow(/^T0202 /);
  expect(() => graph.layouts(symbols.map(() => 0))).toThrow(/^T0202 symbol 0 is 0/);
  expect(() => graph.layouts(symbols.map(() => (graph.symbols[0]?.max ?? 0) + 1))).toThrow(/^T0202 /);
});
