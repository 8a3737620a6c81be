/** Where tensors stand in the trees of hashes: `programs/referee/src/graph/placement.rs`. */
import { u16 } from "../hashes.js";
import { TensorKind } from "../tensor-layout.js";
import type { GraphParts } from "./parts.js";

/** Stands where a tensor has no op, no segment or no place in the boundary. */
const NOWHERE = 0xffff;

/** Where one tensor stands. */
interface Placement {
  op: number;
  output: number;
  segment: number;
  position: number;
  count: number;
  boundary: number;
}

/** The placements of a graph's tensors, and which tensors its results commit to. */
export interface Placements {
  /** By slot: the bytes that follow a tensor's own in its descriptor. */
  readonly bytes: readonly Uint8Array[];
  /** Slots in the order of the boundary tree. */
  readonly boundary: readonly number[];
}

/** Derives the placement of every tensor. */
export function placementsOf(graph: GraphParts): Placements {
  const placements: Placement[] = graph.tensors.map(() => ({
    op: NOWHERE,
    output: 0,
    segment: NOWHERE,
    position: 0,
    count: 0,
    boundary: NOWHERE,
  }));
  placeGiven(graph, placements, TensorKind.Input);
  placeGiven(graph, placements, TensorKind.Param);
  placeProduced(graph, placements);
  const boundary = placeBoundary(graph, placements);
  return { bytes: placements.map(toBytes), boundary };
}

function placeGiven(graph: GraphParts, placements: readonly Placement[], kind: TensorKind): void {
  const ofKind = placements.filter((_, slot) => graph.tensors[slot]?.kind === kind);
  ofKind.forEach((placement, position) => {
    Object.assign(placement, { position, count: ofKind.length });
  });
}

function placeProduced(graph: GraphParts, placements: readonly Placement[]): void {
  const ends = [...graph.cuts, graph.ops.length];
  let first = 0;
  ends.forEach((end, segment) => {
    const ops = graph.ops.slice(first, end);
    const count = ops.reduce((sum, op) => sum + op.outputs.length, 0);
    let position = 0;
    ops.forEach((op, index) => {
      op.outputs.forEach((slot, output) => {
        Object.assign(placements[slot] ?? {}, { op: first + index, output, segment, position, count });
        position += 1;
      });
    });
    first = end;
  });
}

/** Tensors that a later segment reads, and outputs, each once, in the order of (op, output). */
function placeBoundary(graph: GraphParts, placements: readonly Placement[]): number[] {
  const crossing = new Set(graph.outputs);
  graph.ops.forEach((op, index) => {
    const segment = graph.cuts.filter((cut) => cut <= index).length;
    for (const slot of op.reads) {
      const producer = placements[slot]?.segment ?? NOWHERE;
      if (producer !== NOWHERE && producer !== segment) crossing.add(slot);
    }
  });
  const produced = new Set(graph.ops.flatMap((op) => op.outputs));
  const boundary = [...produced].filter((slot) => crossing.has(slot));
  boundary.forEach((slot, position) => {
    Object.assign(placements[slot] ?? {}, { boundary: position });
  });
  return boundary;
}

function toBytes(placement: Placement): Uint8Array {
  const { op, output, segment, position, count, boundary } = placement;
  const parts = [u16(op), Uint8Array.of(output), u16(segment), u16(position), u16(count), u16(boundary)];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
