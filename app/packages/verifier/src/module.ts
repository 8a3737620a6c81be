/** The module's memory and its one call. */

import { Reader, type Writer } from "./bytes.js";
import { CODES, VerifierError } from "./errors.js";

/** The version of the interface that this package speaks. */
export const ABI_VERSION = 1;

/** Numbers of the operations; `app/verifier/src/operation.rs` says what their bytes are. */
export const Operation = {
  open: 1,
  close: 2,
  give: 3,
  checkJob: 4,
  advance: 5,
  result: 6,
  tensor: 7,
  serve: 8,
  checkServed: 9,
  firstDifference: 10,
  element: 11,
  leaf: 12,
  checkLeaf: 13,
  checkOutput: 14,
  checkOutputPath: 15,
  commitment: 16,
  judge: 17,
} as const;

/** A number of {@link Operation}. */
export type OperationNumber = (typeof Operation)[keyof typeof Operation];

/** What the module exports. */
export interface ModuleExports {
  readonly memory: { readonly buffer: ArrayBufferLike };
  readonly assay_abi_version: () => number;
  readonly assay_allocate: (length: number) => number;
  readonly assay_call: (operation: number, request: number, length: number) => number;
  readonly assay_free: (pointer: number, length: number) => void;
}

/** Where a module comes from: its bytes, a response that has them, or a compiled module. */
export type ModuleSource = BufferSource | WebAssembly.Module | Response | Promise<Response>;

/** Compiles the module; instances of it are cheap. */
export async function compileModule(source: ModuleSource): Promise<WebAssembly.Module> {
  try {
    const resolved = await source;
    if (resolved instanceof WebAssembly.Module) return resolved;
    if (!(resolved instanceof Response)) return await WebAssembly.compile(resolved);
    if (!resolved.ok) throw new Error(`the server answered ${resolved.status}`);
    return await WebAssembly.compile(await resolved.arrayBuffer());
  } catch (cause) {
    const text = `the verifier cannot be loaded: ${String(cause)}; build it with: cargo xtask wasm`;
    throw new VerifierError(CODES.unloadable, text, { cause });
  }
}

/** One instance of the module. After a trap it is not used any more: nobody knows what state it is in. */
export class ModuleInstance {
  readonly #exports: ModuleExports;
  #trap: VerifierError | undefined;

  constructor(exports: ModuleExports) {
    const version = exports.assay_abi_version();
    if (version !== ABI_VERSION) {
      const text = `the module speaks version ${version}, this package ${ABI_VERSION}; build it with: cargo xtask wasm`;
      throw new VerifierError(CODES.unloadable, text);
    }
    this.#exports = exports;
  }

  static instantiate(module: WebAssembly.Module): ModuleInstance {
    const { exports } = new WebAssembly.Instance(module, {});
    if (!isVerifier(exports)) {
      throw new VerifierError(CODES.unloadable, "this is another module; build the verifier with: cargo xtask wasm");
    }
    return new ModuleInstance(exports);
  }

  /** The result of an operation. */
  call(operation: OperationNumber, request: Writer): Reader {
    const reply = this.guarded(() => this.cross(operation, request));
    if (reply[0] === 0) return new Reader(reply.subarray(1));
    throw VerifierError.of(new TextDecoder().decode(reply.subarray(1)));
  }

  private cross(operation: OperationNumber, request: Writer): Uint8Array {
    const { length } = request;
    const pointer = this.#exports.assay_allocate(length) >>> 0;
    if (pointer === 0) {
      throw new VerifierError(CODES.memory, `there is no memory for ${length} bytes more; close other works`);
    }
    request.copyTo(new Uint8Array(this.#exports.memory.buffer, pointer, length));
    const reply = this.#exports.assay_call(operation, pointer, length) >>> 0;
    // The call may have made memory grow, which replaces the buffer.
    const { buffer } = this.#exports.memory;
    const size = new DataView(buffer).getUint32(reply, true);
    const bytes = new Uint8Array(buffer, reply + 4, size).slice();
    this.#exports.assay_free(reply, 4 + size);
    return bytes;
  }

  /** Turns a trap into an error, then and ever after. */
  private guarded<Value>(cross: () => Value): Value {
    if (this.#trap !== undefined) throw this.#trap;
    try {
      return cross();
    } catch (cause) {
      if (cause instanceof VerifierError) throw cause;
      const text = `the verifier stopped (${String(cause)}), most likely for want of memory; load it again`;
      this.#trap = new VerifierError(CODES.trapped, text, { cause });
      throw this.#trap;
    }
  }
}

function isVerifier(exports: WebAssembly.Exports): exports is WebAssembly.Exports & ModuleExports {
  const functions = ["assay_abi_version", "assay_allocate", "assay_call", "assay_free"];
  const present = functions.every((name) => typeof exports[name] === "function");
  return present && exports.memory instanceof WebAssembly.Memory;
}
