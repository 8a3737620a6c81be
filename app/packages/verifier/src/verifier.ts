/** The verifier: what needs no graph, and the way to works. */

import { Writer } from "./bytes.js";
import { compileModule, ModuleInstance, type ModuleSource, Operation } from "./module.js";
import type { Finding, ProofPins } from "./types.js";
import { Work, writeSymbols } from "./work.js";

/** One instance of the module. It computes in the thread that calls it; see `VerifierWorker` for whole results in a page. */
export class Verifier {
  readonly #instance: ModuleInstance;

  constructor(instance: ModuleInstance) {
    this.#instance = instance;
  }

  /** Compiles and instantiates the module. */
  static async load(source: ModuleSource): Promise<Verifier> {
    return Verifier.of(await compileModule(source));
  }

  /** An instance of a compiled module, with memory of its own. */
  static of(module: WebAssembly.Module): Verifier {
    return new Verifier(ModuleInstance.instantiate(module));
  }

  /** Opens an encoded graph at symbol values: those of the graph, or the four of a job. Errors of codes G say what is wrong. */
  open(graph: Uint8Array, symbols: readonly number[]): Work {
    return Work.open(this.#instance, graph, symbols);
  }

  /** The hash that a node commits to on-chain. */
  commitment(job: Uint8Array, node: Uint8Array, boundaryRoot: Uint8Array): Uint8Array {
    const request = new Writer()
      .hash(job, "the job's address")
      .hash(node, "the node's address")
      .hash(boundaryRoot, "the boundary root");
    return this.#instance.call(Operation.commitment, request).hash();
  }

  /** The fault that a proof shows, by the code that judges on-chain. Throws the rejection (`R01..`) if it shows none. */
  judge(pins: ProofPins, proof: Uint8Array): Finding {
    const request = new Writer()
      .hash(pins.graphRoot, "the graph root")
      .hash(pins.paramsRoot, "the params root")
      .hash(pins.inputsRoot, "the inputs root")
      .hash(pins.boundaryRoot, "the boundary root")
      .u16(pins.boundaryCount, "the number of boundary tensors")
      .u16(pins.irVersion, "the IR version");
    writeSymbols(request, pins.symbols).u8(pins.segment === undefined ? 0 : 1, "a segment");
    if (pins.segment !== undefined) {
      request.u16(pins.segment.index, "a segment's index").hash(pins.segment.root, "a segment's root");
    }
    const reply = this.#instance.call(Operation.judge, request.bytes(proof));
    if (reply.u8() === 0) {
      const [op, slot, element] = [reply.u16(), reply.u16(), reply.u32()];
      const [claimed, computed] = [reply.i64(), reply.i64()];
      return { kind: "element", op, slot, element, claimed, computed, usesSegment: reply.u8() === 1 };
    }
    const [slot, boundary, segment] = [reply.u16(), reply.hash(), reply.hash()];
    return { kind: "mismatch", slot, boundary, segment, usesSegment: reply.u8() === 1 };
  }
}
