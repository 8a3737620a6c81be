/**
 * The parts of an encoded graph, as far as roots, places of tensors and costs need them: `programs/referee/SPECIFICATION.md`,
 * section 5. The checks that a node makes before it claims are not made here.
 */
import { Dtype, TensorKind } from "../tensor-layout.js";
import { ByteReader } from "./byte-reader.js";

/** Version of the graph language that this package reads. */
export const IR_VERSION = 1;
/** Most bytes of an encoded graph. */
export const MAXIMUM_GRAPH_BYTES = 4 << 20;

/** What an op does; the value is the byte in the encoding. */
export enum OpKind {
  Contract = 0,
  Map = 1,
  Sum = 2,
  SumPair = 3,
  ArgMax = 4,
  ArgMin = 5,
}

/** The length of an axis: a constant, or the index of a symbol. */
export type Dim = { readonly length: number } | { readonly symbol: number };

/** One tensor with its bytes in the encoding. */
export interface TensorPart {
  readonly dtype: Dtype;
  readonly kind: TensorKind;
  readonly shape: readonly Dim[];
  readonly bytes: Uint8Array;
}

/** One program: how many instructions one run takes at most, and its bytes in the encoding. */
export interface ProgramPart {
  readonly steps: bigint;
  readonly bytes: Uint8Array;
}

/** One op: what it does to which tensors, and its bytes in the encoding. */
export interface OpPart {
  readonly kind: OpKind;
  readonly outputAxes: readonly Dim[];
  readonly reductionAxes: readonly Dim[];
  /** Index of the program that runs for each reduction point; none for some kinds. */
  readonly prologue: number | null;
  /** Index of the program that stores. */
  readonly program: number;
  readonly outputs: readonly number[];
  readonly reads: readonly number[];
  readonly bytes: Uint8Array;
}

/** A graph in parts. */
export interface GraphParts {
  readonly symbols: readonly { readonly min: number; readonly max: number }[];
  readonly tensors: readonly TensorPart[];
  readonly programs: readonly ProgramPart[];
  readonly ops: readonly OpPart[];
  /** Index of the first op of each segment but the first. */
  readonly cuts: readonly number[];
  readonly outputs: readonly number[];
  readonly headerBytes: Uint8Array;
}

const MAGIC = "ASIR";
const MOST = { symbols: 4, parts: 4096, cuts: 1023, outputs: 16, axes: 6, constants: 32, instructions: 128 } as const;
const MOST_OF_AN_OP = { outputs: 4, outputAxes: 5, reductionAxes: 3, operands: 6, terms: 10 } as const;
const [LENGTH, SYMBOL] = [0, 1];
const [CLAMP, PAD] = [0, 1];
const [LOOP, END] = [0x30, 0x31];
const NONE = 0xffff;

/** Reads a graph. `T0201` where the bytes are none. */
export function readGraph(bytes: Uint8Array): GraphParts {
  const reader = new ByteReader(bytes, "graph");
  reader.within(bytes.length, MAXIMUM_GRAPH_BYTES, "bytes");
  if (new TextDecoder().decode(reader.take(4)) !== MAGIC) throw reader.failure("the file does not begin with ASIR");
  const header = readHeader(reader);
  const graph: GraphParts = {
    symbols: header.symbols,
    tensors: times(header.counts.tensors, () => readTensor(reader)),
    programs: times(header.counts.programs, () => readProgram(reader)),
    ops: times(header.counts.ops, () => readOp(reader)),
    cuts: header.cuts,
    outputs: header.outputs,
    headerBytes: header.bytes,
  };
  reader.finish();
  const slots = [...graph.outputs, ...graph.ops.flatMap((op) => [...op.outputs, ...op.reads])];
  if (slots.some((slot) => slot >= graph.tensors.length)) throw reader.failure("a tensor is named that is not there");
  return graph;
}

function readHeader(reader: ByteReader) {
  const header = {
    symbols: [] as { min: number; max: number }[],
    counts: { tensors: 0, programs: 0, ops: 0 },
    cuts: [] as number[],
    outputs: [] as number[],
  };
  const bytes = reader.span(() => {
    const version = reader.u16();
    if (version !== IR_VERSION) throw reader.failure(`version ${version} instead of ${IR_VERSION}`);
    header.symbols = times(reader.count(MOST.symbols, "symbols"), () => ({ min: reader.u32(), max: reader.u32() }));
    const part = (of: string) => reader.within(reader.u16(), MOST.parts, of);
    header.counts = { tensors: part("tensors"), programs: part("programs"), ops: part("ops") };
    header.cuts = times(reader.within(reader.u16(), MOST.cuts, "cuts"), () => reader.u16());
    header.outputs = times(reader.count(MOST.outputs, "outputs"), () => reader.u16());
  });
  return { ...header, bytes };
}

function readTensor(reader: ByteReader): TensorPart {
  let [dtype, kind] = [Dtype.I8, TensorKind.Input];
  let shape: Dim[] = [];
  const bytes = reader.span(() => {
    dtype = reader.count(Dtype.I32, "as element type");
    kind = reader.count(TensorKind.Temp, "as kind of a tensor");
    shape = readDims(reader, MOST.axes);
  });
  return { dtype, kind, shape, bytes };
}

function readProgram(reader: ByteReader): ProgramPart {
  let steps = 0n;
  const bytes = reader.span(() => {
    reader.take(8 * reader.count(MOST.constants, "constants"));
    steps = stepsOf(times(reader.count(MOST.instructions, "instructions"), () => reader.u32()));
  });
  return { steps, bytes };
}

/** How many instructions a run takes at most: each as often as the product of the turns of the loops around it. */
function stepsOf(words: readonly number[]): bigint {
  const outside: bigint[] = [];
  let [steps, runs] = [0n, 1n];
  for (const word of words) {
    steps += runs;
    const opcode = word & 0xff;
    if (opcode === LOOP) {
      outside.push(runs);
      runs *= BigInt(word >>> 16);
    } else if (opcode === END) {
      runs = outside.pop() ?? 1n;
    }
  }
  return steps;
}

function readOp(reader: ByteReader): OpPart {
  let op: Omit<OpPart, "bytes"> | undefined;
  const bytes = reader.span(() => {
    const kind: OpKind = reader.count(OpKind.ArgMin, "as kind of an op");
    const outputs = times(reader.count(MOST_OF_AN_OP.outputs, "outputs"), () => reader.u16());
    const outputAxes = readDims(reader, MOST_OF_AN_OP.outputAxes);
    const reductionAxes = readDims(reader, MOST_OF_AN_OP.reductionAxes);
    const reads = times(reader.count(MOST_OF_AN_OP.operands, "operands"), () => readView(reader));
    const [prologue, program] = [reader.u16(), reader.u16()];
    op = { kind, outputs, outputAxes, reductionAxes, reads, prologue: prologue === NONE ? null : prologue, program };
  });
  if (op === undefined) throw reader.failure("an op is missing");
  return { ...op, bytes };
}

/** Goes over a view; the slot that it reads. */
function readView(reader: ByteReader): number {
  const slot = reader.u16();
  readDims(reader, MOST.axes);
  reader.take(4 * reader.count(MOST.axes, "offsets"));
  reader.take(6 * reader.count(MOST_OF_AN_OP.terms, "terms"));
  const outside = reader.u8();
  if (outside === PAD) reader.take(4);
  else if (outside !== CLAMP) throw reader.failure("a view says neither clamp nor pad");
  reader.take(1); // the indirect axis
  return slot;
}

function readDims(reader: ByteReader, most: number): Dim[] {
  return times(reader.count(most, "axes"), () => {
    const tag = reader.u8();
    if (tag === LENGTH) return { length: reader.u32() };
    if (tag === SYMBOL) return { symbol: reader.u8() };
    throw reader.failure("an axis is neither a length nor a symbol");
  });
}

function times<Value>(count: number, read: () => Value): Value[] {
  return Array.from({ length: count }, read);
}
