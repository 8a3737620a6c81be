/** A graph as a client needs it: its root, and the layout of its tensors at symbol values. */
import { ClientFailure } from "../failure.js";
import { DescriptorKind, descriptorHash, graphHash, type Hash } from "../hashes.js";
import { smaller, U64_MAX } from "../integers.js";
import { depthFor, merkleRoot } from "../merkle.js";
import { type TensorKind, TensorLayout } from "../tensor-layout.js";
import { type Dim, type GraphParts, IR_VERSION, OpKind, readGraph } from "./parts.js";
import { type Placements, placementsOf } from "./placement.js";

/** An encoded graph that was read. Its parts are trusted no further than their root says. */
export class Graph {
  /** The encoding, which is what nodes fetch. */
  readonly bytes: Uint8Array;
  /** Root of the graph, which a job pins. */
  readonly root: Hash;
  private readonly parts: GraphParts;
  private readonly placements: Placements;

  /** Reads an encoded graph. `T0201` where the bytes are none. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.parts = readGraph(bytes);
    this.placements = placementsOf(this.parts);
    this.root = rootOf(this.parts, this.placements);
  }

  /** Least and greatest value of each symbol. */
  get symbols(): readonly { readonly min: number; readonly max: number }[] {
    return this.parts.symbols;
  }

  /** Slots of the results. */
  get outputs(): readonly number[] {
    return this.parts.outputs;
  }

  /** Slots of the tensors that a result commits to, in the order of the boundary tree. */
  get boundary(): readonly number[] {
    return this.placements.boundary;
  }

  /** Slots of one kind in slot order: what the params root and the inputs root are lists of. */
  slotsOf(kind: TensorKind): number[] {
    return this.parts.tensors.flatMap((tensor, slot) => (tensor.kind === kind ? [slot] : []));
  }

  /**
   * What a run costs at these symbol values, in the measure in which nodes declare their speed: operations, where a product
   * of a contraction and an instruction of a program count as one each. `T0202` as for the layouts.
   */
  costUnits(symbols: readonly number[]): bigint {
    this.checkSymbols(symbols);
    const product = (dims: readonly Dim[]) => dims.reduce((points, dim) => points * BigInt(lengthOf(dim, symbols)), 1n);
    const stepsOf = (index: number) => this.parts.programs[index]?.steps ?? 0n;
    const costs = this.parts.ops.map(({ kind, outputAxes, reductionAxes, prologue, program }) => {
      const points = product(reductionAxes);
      const empty = prologue !== null && stepsOf(prologue) === 0n;
      const before = prologue === null ? 0n : (empty ? 1n : stepsOf(prologue)) * points;
      const each = before + stepsOf(program) + (kind === OpKind.Contract ? points : 0n);
      return product(outputAxes) * (each > 0n ? each : 1n);
    });
    return smaller(
      costs.reduce((sum, cost) => sum + cost, 0n),
      U64_MAX,
    );
  }

  /** The layouts of all tensors, by slot, at these symbol values. `T0202` where there are too many, or too few, or one is out of bounds. */
  layouts(symbols: readonly number[]): TensorLayout[] {
    this.checkSymbols(symbols);
    return this.parts.tensors.map(
      ({ dtype, kind, shape }, slot) =>
        new TensorLayout(
          slot,
          dtype,
          kind,
          shape.map((dim) => lengthOf(dim, symbols)),
        ),
    );
  }

  private checkSymbols(symbols: readonly number[]): void {
    if (symbols.length !== this.symbols.length) {
      throw misfit(`${symbols.length} symbol values were given for ${this.symbols.length} symbols`);
    }
    this.symbols.forEach(({ min, max }, index) => {
      const value = symbols[index] ?? 0;
      if (!Number.isInteger(value) || value < min || value > max) {
        throw misfit(`symbol ${index} is ${value}, outside ${min} to ${max}`);
      }
    });
  }
}

function lengthOf(dim: Dim, symbols: readonly number[]): number {
  return "length" in dim ? dim.length : (symbols[dim.symbol] ?? 0);
}

function rootOf(parts: GraphParts, placements: Placements): Hash {
  const none = new Uint8Array();
  const leaves = [
    descriptorHash(DescriptorKind.Header, 0, parts.headerBytes),
    ...parts.tensors.map(({ bytes }, slot) =>
      descriptorHash(DescriptorKind.Tensor, slot, bytes, placements.bytes[slot] ?? none),
    ),
    ...parts.programs.map(({ bytes }, index) => descriptorHash(DescriptorKind.Program, index, bytes)),
    ...parts.ops.map(({ bytes }, index) => descriptorHash(DescriptorKind.Op, index, bytes)),
  ];
  return graphHash(IR_VERSION, leaves.length, depthFor(leaves.length), merkleRoot(leaves));
}

function misfit(problem: string): ClientFailure {
  return new ClientFailure("T0202", problem, "give each symbol of the graph a value within its bounds");
}
