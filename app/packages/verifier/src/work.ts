/** One work: a graph at symbol values, and what is given, computed and served of it. */

import { type Reader, Writer } from "./bytes.js";
import { CODES, VerifierError } from "./errors.js";
import { type ModuleInstance, Operation, type OperationNumber } from "./module.js";
import {
  type ComputedResult,
  type Difference,
  DTYPES,
  type GraphDescription,
  type JobPins,
  OP_KINDS,
  type OpDescription,
  type OpenedLeaf,
  type RecomputedElement,
  type RunProgress,
  TENSOR_KINDS,
  type TensorDescription,
  type Whose,
} from "./types.js";

const NOWHERE = 0xffff;
const UID_BYTES = 8;

/** See the module; made by {@link Verifier.open}. */
export class Work {
  readonly graph: GraphDescription;
  readonly #instance: ModuleInstance;
  readonly #handle: number;

  private constructor(instance: ModuleInstance, handle: number, graph: GraphDescription) {
    this.#instance = instance;
    this.#handle = handle;
    this.graph = graph;
  }

  /** Opens an encoded graph at symbol values; trailing zeros of them, as jobs have, are left out. */
  static open(instance: ModuleInstance, graph: Uint8Array, symbols: readonly number[]): Work {
    const used = symbols.slice(0, symbols.findLastIndex((value) => value !== 0) + 1);
    const request = new Writer().u8(used.length, "the number of symbols");
    for (const value of used) request.u32(value, "a symbol's value");
    const reply = instance.call(Operation.open, request.bytes(graph));
    return new Work(instance, reply.u32(), describe(reply));
  }

  private request(): Writer {
    return new Writer().u32(this.#handle, "a handle");
  }

  private call(operation: OperationNumber, request: Writer): Reader {
    return this.#instance.call(operation, request);
  }

  /** Gives the params' bundle; their root. */
  giveParams(bundle: Uint8Array): Uint8Array {
    return this.call(Operation.give, this.request().u8(1, "params").bytes(bundle)).hash();
  }

  /** Gives the inputs' bundle; their root. */
  giveInputs(bundle: Uint8Array): Uint8Array {
    return this.call(Operation.give, this.request().u8(0, "inputs").bytes(bundle)).hash();
  }

  /** Throws `B0103`, which names what differs, unless graph, params and inputs are those that the job pins. */
  checkJob(pins: JobPins): void {
    const request = this.request()
      .hash(pins.graphRoot, "the graph root")
      .hash(pins.paramsRoot, "the params root")
      .hash(pins.inputsRoot, "the inputs root")
      .u16(pins.irVersion, "the IR version");
    writeSymbols(request, pins.symbols)
      .exactly(UID_BYTES, pins.output.uid, "the uid of the output")
      .u32(pins.output.leaves, "the number of leaves of the output")
      .u8(pins.output.depth, "the depth of the output")
      .u16(pins.output.boundaryPosition, "the place of the output")
      .u16(pins.output.boundaryCount, "the number of boundary tensors");
    this.call(Operation.checkJob, request);
  }

  /** Computes about `points` products or elements more; whether all is done, and how far it is. */
  advance(points: bigint): RunProgress & { readonly finished: boolean } {
    const reply = this.call(Operation.advance, this.request().u64(points));
    return { points: reply.u64(), totalPoints: reply.u64(), finished: reply.u8() === 1 };
  }

  /** What an honest node commits to, once all is done. */
  result(): ComputedResult {
    const reply = this.call(Operation.result, this.request());
    const [boundaryRoot, outputRoot] = [reply.hash(), reply.hash()];
    return {
      boundaryRoot,
      outputRoot,
      boundary: reply.list(reply.u16(), (of) => ({ slot: of.u16(), hash: of.hash() })),
    };
  }

  /** The bytes of a tensor: row-major, little endian. */
  tensor(whose: Whose, slot: number): Uint8Array {
    return this.call(Operation.tensor, this.place(whose, slot)).rest();
  }

  /** Takes in a boundary tensor as a node serves it; the root of its tree, and its hash. */
  serve(slot: number, bytes: Uint8Array): { readonly root: Uint8Array; readonly hash: Uint8Array } {
    const reply = this.call(Operation.serve, this.request().u16(slot, "a slot").bytes(bytes));
    return { root: reply.hash(), hash: reply.hash() };
  }

  /** Throws `B0205` unless the served boundary tensors are those that the node committed to. */
  checkServed(boundaryRoot: Uint8Array): void {
    this.call(Operation.checkServed, this.request().hash(boundaryRoot, "the boundary root"));
  }

  /** The first element, in the order in which ops run, in which a served tensor differs from the computed one. */
  firstDifference(): Difference | undefined {
    const reply = this.call(Operation.firstDifference, this.request());
    if (reply.u8() === 0) return undefined;
    return { slot: reply.u16(), element: reply.u32(), served: reply.i64(), computed: reply.i64() };
  }

  /** Recomputes one element out of tensors that were computed here, or served. */
  element(whose: Whose, slot: number, element: number): RecomputedElement {
    const request = this.place(whose, slot).u32(element, "an element");
    const reply = this.call(Operation.element, request);
    const value = reply.i64();
    const known = reply.u8() === 1;
    const there = reply.i64();
    return {
      value,
      stands: known ? there : undefined,
      op: reply.u16(),
      output: reply.u8(),
      readCount: reply.u32(),
      reads: reply.list(reply.u32(), (read) => ({ slot: read.u16(), element: read.u32(), value: read.i64() })),
    };
  }

  /** The leaf that holds an element, with its path. */
  leaf(whose: Whose, slot: number, element: number): OpenedLeaf {
    const reply = this.call(Operation.leaf, this.place(whose, slot).u32(element, "an element"));
    const [root, position, offset] = [reply.hash(), reply.u32(), reply.u32()];
    return { root, position, offset, path: reply.list(reply.u8(), (of) => of.hash()), data: reply.rest() };
  }

  /** Throws `B0203` unless the leaf's data and path lead to the root of the tensor's tree. */
  checkLeaf(slot: number, leaf: Omit<OpenedLeaf, "offset">): void {
    const request = this.request()
      .u16(slot, "a slot")
      .hash(leaf.root, "the tensor's root")
      .u32(leaf.position, "a position")
      .hashes(leaf.path, "a path")
      .bytes(leaf.data);
    this.call(Operation.checkLeaf, request);
  }

  /** Throws `B0202` unless these bytes are the output that was committed. */
  checkOutput(outputRoot: Uint8Array, bytes: Uint8Array): void {
    this.call(Operation.checkOutput, this.request().hash(outputRoot, "the output root").bytes(bytes));
  }

  /** Throws `B0204` unless the output stands under the boundary root. */
  checkOutputPath(outputRoot: Uint8Array, boundaryRoot: Uint8Array, path: readonly Uint8Array[]): void {
    const request = this.request().hash(outputRoot, "the output root").hash(boundaryRoot, "the boundary root");
    this.call(Operation.checkOutputPath, request.hashes(path, "a path"));
  }

  /** Frees the work's memory. */
  close(): void {
    this.call(Operation.close, this.request());
  }

  private place(whose: Whose, slot: number): Writer {
    return this.request()
      .u8(whose === "served" ? 1 : 0, "whose values")
      .u16(slot, "a slot");
  }
}

/** Writes the four symbol values of a job. */
export function writeSymbols(request: Writer, symbols: readonly number[]): Writer {
  if (symbols.length !== 4) {
    throw new VerifierError(CODES.argument, `a job has 4 symbol values, ${symbols.length} were given`);
  }
  for (const value of symbols) request.u32(value, "a symbol's value");
  return request;
}

function describe(reply: Reader): GraphDescription {
  const [root, outputSlot, points, bytes] = [reply.hash(), reply.u16(), reply.u64(), reply.u64()];
  const symbols = reply.list(reply.u8(), (of) => of.u32());
  const [segments, boundaryCount, ops, tensors] = [reply.u16(), reply.u16(), reply.u16(), reply.u16()];
  return {
    root,
    outputSlot,
    points,
    bytes,
    symbols,
    segments,
    boundaryCount,
    ops: reply.list(ops, describeOp),
    tensors: reply.list(tensors, describeTensor),
  };
}

function describeOp(reply: Reader): OpDescription {
  return { kind: named(OP_KINDS, reply.u8()), points: reply.u64(), segment: reply.u16() };
}

function describeTensor(reply: Reader): TensorDescription {
  const [dtype, kind] = [named(DTYPES, reply.u8()), named(TENSOR_KINDS, reply.u8())];
  const [op, boundary] = [reply.u16(), reply.u16()];
  return {
    dtype,
    kind,
    op: op === NOWHERE ? undefined : op,
    boundaryPosition: boundary === NOWHERE ? undefined : boundary,
    dims: reply.list(reply.u8(), (of) => of.u32()),
  };
}

function named<Name extends string>(names: readonly Name[], number: number): Name {
  const name = names[number];
  if (name === undefined) {
    throw new VerifierError(CODES.reply, `number ${number} has no name; load the module of this version`);
  }
  return name;
}
