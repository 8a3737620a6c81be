/** What is given to the verifier and what it says. Hashes are 32 bytes; values of elements are bigint. */

/** Where a job's output lies in what a node commits to: `output` of the job's account. */
export interface OutputDescriptor {
  readonly uid: Uint8Array;
  readonly leaves: number;
  readonly depth: number;
  readonly boundaryPosition: number;
  readonly boundaryCount: number;
}

/** What a job pins: the fields of the same names of its account. */
export interface JobPins {
  readonly graphRoot: Uint8Array;
  readonly paramsRoot: Uint8Array;
  readonly inputsRoot: Uint8Array;
  readonly irVersion: number;
  /** Values of the four symbols; unused ones are 0. */
  readonly symbols: readonly number[];
  readonly output: OutputDescriptor;
}

/** What a node committed to: fields of the job's account, and the addresses as bytes. */
export interface Committed {
  readonly job: Uint8Array;
  readonly node: Uint8Array;
  readonly commitment: Uint8Array;
  readonly boundaryRoot: Uint8Array;
  readonly outputRoot: Uint8Array;
}

/** The bytes behind a job's roots, from wherever. */
export interface Artifacts {
  readonly graph: Uint8Array;
  readonly params: Uint8Array;
  readonly inputs: Uint8Array;
}

/** Boundary tensors by slot, as a node serves them. */
export type ServedTensors = ReadonlyMap<number, Uint8Array>;

/** Element types, by their numbers. */
export const DTYPES = ["i8", "u8", "i16", "i32"] as const;
/** Where values come from, by their numbers. */
export const TENSOR_KINDS = ["input", "param", "temp"] as const;
/** Kinds of ops, by their numbers. */
export const OP_KINDS = ["contract", "map", "sum", "sumPair", "argMax", "argMin"] as const;

/** One op of a graph. */
export interface OpDescription {
  readonly kind: (typeof OP_KINDS)[number];
  /** Products or elements that it computes. */
  readonly points: bigint;
  readonly segment: number;
}

/** One tensor of a graph. */
export interface TensorDescription {
  readonly dtype: (typeof DTYPES)[number];
  readonly kind: (typeof TENSOR_KINDS)[number];
  /** The op that computes it; none for inputs and params. */
  readonly op: number | undefined;
  /** Its place among the tensors that a result commits to. */
  readonly boundaryPosition: number | undefined;
  readonly dims: readonly number[];
}

/** An opened graph. */
export interface GraphDescription {
  readonly root: Uint8Array;
  readonly outputSlot: number;
  /** Products and elements of a whole run: what progress counts. */
  readonly points: bigint;
  /** Bytes of all tensors. */
  readonly bytes: bigint;
  readonly symbols: readonly number[];
  readonly segments: number;
  readonly boundaryCount: number;
  readonly ops: readonly OpDescription[];
  /** By slot. */
  readonly tensors: readonly TensorDescription[];
}

/** How far a run is. */
export interface RunProgress {
  readonly points: bigint;
  readonly totalPoints: bigint;
}

/** What an honest node commits to. */
export interface ComputedResult {
  readonly boundaryRoot: Uint8Array;
  readonly outputRoot: Uint8Array;
  /** The hash of each boundary tensor, in the order of their tree. */
  readonly boundary: readonly { readonly slot: number; readonly hash: Uint8Array }[];
}

/** An element that was served and is not what the graph gives. */
export interface Difference {
  readonly slot: number;
  readonly element: number;
  readonly served: bigint;
  readonly computed: bigint;
}

/** An element, recomputed. */
export interface RecomputedElement {
  readonly value: bigint;
  /** What stands at its place; none where the tensor's values are not known. */
  readonly stands: bigint | undefined;
  readonly op: number;
  /** Which of the op's outputs. */
  readonly output: number;
  /** How many elements were read. */
  readonly readCount: number;
  /** The first 4,096 of them. */
  readonly reads: readonly { readonly slot: number; readonly element: number; readonly value: bigint }[];
}

/** A leaf of a tensor with its path. */
export interface OpenedLeaf {
  /** Root of the tensor's tree. */
  readonly root: Uint8Array;
  readonly position: number;
  /** Where the element begins in the data. */
  readonly offset: number;
  /** Siblings from the bottom up. */
  readonly path: readonly Uint8Array[];
  readonly data: Uint8Array;
}

/** What is fixed before a fault is proved. */
export interface ProofPins {
  readonly graphRoot: Uint8Array;
  readonly paramsRoot: Uint8Array;
  readonly inputsRoot: Uint8Array;
  readonly boundaryRoot: Uint8Array;
  readonly boundaryCount: number;
  readonly irVersion: number;
  readonly symbols: readonly number[];
  readonly segment?: { readonly index: number; readonly root: Uint8Array } | undefined;
}

/** A proved fault: an element that is not what its op gives, or a tensor with two hashes. */
export type Finding =
  | {
      readonly kind: "element";
      readonly op: number;
      readonly slot: number;
      readonly element: number;
      readonly claimed: bigint;
      readonly computed: bigint;
      readonly usesSegment: boolean;
    }
  | {
      readonly kind: "mismatch";
      readonly slot: number;
      readonly boundary: Uint8Array;
      readonly segment: Uint8Array;
      readonly usesSegment: boolean;
    };

/** Whose values: computed here, or served by a node. */
export type Whose = "computed" | "served";
