/**
 * The parts of an encoded graph, as far as roots and places of tensors need them: `programs/referee/SPECIFICATION.md`,
 * section 5. What ops compute is not looked at, and the checks that a node makes before it claims are not made.
 */
import { Dtype, TensorKind } from "../tensor-layout.js";
import { ByteReader } from "./byte-reader.js";

/** Version of the graph language that this package reads. */
export const IR_VERSION = 1;
/** Most bytes of an encoded graph. */
export const MAXIMUM_GRAPH_BYTES = 4 << 20;

/** The length of an axis: a constant, or the index of a symbol. */
export type Dim = { readonly length: number } | { readonly symbol: number };

/** One tensor with its bytes in the encoding. */
export interface TensorPart {
  readonly dtype: Dtype;
  readonly kind: TensorKind;
  readonly shape: readonly Dim[];
  readonly bytes: Uint8Array;
}

/** One op: which tensors it writes and reads, and its bytes in the encoding. */
export interface OpPart {
  readonly outputs: readonly number[];
  readonly reads: readonly number[];
  readonly bytes: Uint8Array;
}

/** A graph in parts. */
export interface GraphParts {
  readonly symbols: readonly { readonly min: number; readonly max: number }[];
  readonly tensors: readonly TensorPart[];
  readonly programs: readonly Uint8Array[];
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

function readProgram(reader: ByteReader): Uint8Array {
  return reader.span(() => {
    reader.take(8 * reader.count(MOST.constants, "constants"));
    reader.take(4 * reader.count(MOST.instructions, "instructions"));
  });
}

function readOp(reader: ByteReader): OpPart {
  let outputs: number[] = [];
  let reads: number[] = [];
  const bytes = reader.span(() => {
    reader.count(5, "as kind of an op");
    outputs = times(reader.count(MOST_OF_AN_OP.outputs, "outputs"), () => reader.u16());
    readDims(reader, MOST_OF_AN_OP.outputAxes);
    readDims(reader, MOST_OF_AN_OP.reductionAxes);
    reads = times(reader.count(MOST_OF_AN_OP.operands, "operands"), () => readView(reader));
    reader.take(4); // prologue and program
  });
  return { outputs, reads, bytes };
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
