/** What is to be computed, with everything that a job pins about it. */
import type { ReadonlyUint8Array } from "@solana/kit";
import { encodeBundle, type TensorSet, tensorOf } from "./bundle.js";
import { ClientFailure } from "./failure.js";
import type { Job } from "./generated/accounts/index.js";
import type { OutputDescriptor } from "./generated/types/index.js";
import type { Graph } from "./graph/graph.js";
import { type Hash, ListRole, listRoot, sameBytes, sha256 } from "./hashes.js";
import { depthFor, merkleRoot } from "./merkle.js";
import { TensorKind, type TensorLayout } from "./tensor-layout.js";

/** The artifacts of a job: what nodes fetch before they claim. */
export interface Artifacts {
  /** The encoded graph. */
  readonly graph: Uint8Array;
  /** The bundle of weights and tables. */
  readonly params: Uint8Array;
  /** The bundle of inputs. */
  readonly inputs: Uint8Array;
}

/** A graph at symbol values, with params and inputs, and their roots. */
export class Work {
  readonly graph: Graph;
  /** Values of the symbols, as many as the graph has. */
  readonly symbols: readonly number[];
  readonly params: TensorSet;
  readonly inputs: TensorSet;
  readonly paramsRoot: Hash;
  readonly inputsRoot: Hash;
  /** The layout of the output. */
  readonly outputLayout: TensorLayout;
  /** Where the output lies in what a node commits to. */
  readonly output: OutputDescriptor;

  /** Checks that everything fits and computes the roots. `T0202` where something does not. */
  constructor(graph: Graph, symbols: readonly number[], params: TensorSet, inputs: TensorSet) {
    const layouts = graph.layouts(symbols);
    const [slot] = graph.outputs;
    const outputLayout = slot === undefined ? undefined : layouts[slot];
    if (slot === undefined || outputLayout === undefined || graph.outputs.length !== 1) {
      const problem = `the graph has ${graph.outputs.length} outputs`;
      throw new ClientFailure("T0202", problem, "a job takes graphs with one: build the graph with one output");
    }
    this.graph = graph;
    this.symbols = symbols;
    this.params = params;
    this.inputs = inputs;
    this.paramsRoot = rootOf(ListRole.Params, graph.slotsOf(TensorKind.Param), layouts, params);
    this.inputsRoot = rootOf(ListRole.Inputs, graph.slotsOf(TensorKind.Input), layouts, inputs);
    this.outputLayout = outputLayout;
    this.output = {
      uid: outputLayout.uid,
      leaves: outputLayout.leaves,
      depth: outputLayout.depth,
      boundaryPosition: graph.boundary.indexOf(slot),
      boundaryCount: graph.boundary.length,
    };
  }

  /** The slot of the output. */
  get outputSlot(): number {
    return this.graph.outputs[0] ?? 0;
  }

  /** Symbol values in the form that a job holds: four, unused ones 0. */
  get pinnedSymbols(): number[] {
    return [0, 1, 2, 3].map((index) => this.symbols[index] ?? 0);
  }

  /** The bytes that nodes fetch. */
  artifacts(): Artifacts {
    return { graph: this.graph.bytes, params: encodeBundle(this.params), inputs: encodeBundle(this.inputs) };
  }

  /** Checks that this is the work that a job pins. `T0203` names what differs. */
  checkIsOf(job: Pick<Job, "graphRoot" | "paramsRoot" | "inputsRoot" | "symbols" | "output">): void {
    const roots: readonly (readonly [string, ReadonlyUint8Array, ReadonlyUint8Array])[] = [
      ["graph root", this.graph.root, job.graphRoot],
      ["params root", this.paramsRoot, job.paramsRoot],
      ["inputs root", this.inputsRoot, job.inputsRoot],
      ["output's uid", this.output.uid, job.output.uid],
    ];
    const numbers: readonly (readonly [string, number, number])[] = [
      ...this.pinnedSymbols.map((value, index) => [`symbol ${index}`, value, job.symbols[index] ?? 0] as const),
      ["output's leaves", this.output.leaves, job.output.leaves],
      ["output's depth", this.output.depth, job.output.depth],
      ["output's place", this.output.boundaryPosition, job.output.boundaryPosition],
      ["boundary's length", this.output.boundaryCount, job.output.boundaryCount],
    ];
    const differs =
      roots.find(([, given, pinned]) => !sameBytes(given, pinned)) ??
      numbers.find(([, given, pinned]) => given !== pinned);
    if (differs === undefined) return;
    const remedy = "use the graph, params, inputs and symbol values that the job was posted with";
    throw new ClientFailure("T0203", `the ${differs[0]} is not the one that the job pins`, remedy);
  }
}

/** The name of an artifact: the SHA-256 of its bytes, in hexadecimal digits. */
export function artifactId(bytes: Uint8Array): string {
  return hexadecimal(sha256(bytes));
}

/** Hexadecimal digits of bytes. */
export function hexadecimal(bytes: ReadonlyUint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function rootOf(role: ListRole, slots: readonly number[], layouts: readonly TensorLayout[], tensors: TensorSet): Hash {
  const unknown = [...tensors.keys()].find((slot) => !slots.includes(slot));
  if (unknown !== undefined) {
    throw new ClientFailure(
      "T0202",
      `tensor ${unknown} does not belong here`,
      "use the bundle that belongs to this graph",
    );
  }
  const hashes = slots.map((slot) => {
    const bytes = tensorOf(tensors, slot);
    const hash = layouts[slot]?.hash(bytes) ?? null;
    if (hash !== null) return hash;
    const problem = `tensor ${slot} has ${bytes.length} bytes, its shape has ${layouts[slot]?.bytes}`;
    throw new ClientFailure("T0202", problem, "check the symbol values and the element type");
  });
  return listRoot(role, hashes.length, depthFor(hashes.length), merkleRoot(hashes));
}
