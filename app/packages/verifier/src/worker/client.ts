/** The page's side of the worker. */

import { CODES, VerifierError } from "../errors.js";
import { compileModule, type ModuleSource } from "../module.js";
import type { ElementCheck } from "../recompute.js";
import type { Finding, ProofPins } from "../types.js";
import type {
  ElementReport,
  ElementToVerify,
  ResultReport,
  ResultToVerify,
  VerifyOptions,
  VerifyProgress,
} from "../verify.js";
import type { FromWorker, Port, TaskKind, Tasks, ToWorker } from "./protocol.js";

interface Pending {
  readonly resolve: (answer: Tasks[TaskKind]["answer"]) => void;
  readonly reject: (reason: unknown) => void;
  readonly onProgress: ((progress: VerifyProgress) => void) | undefined;
}

/** Verifies in a worker, so that the page stays quick. Requests wait for one another; each can be aborted. */
export class VerifierWorker {
  readonly #port: Port<ToWorker, FromWorker>;
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  #ended: VerifierError | undefined;

  private constructor(port: Port<ToWorker, FromWorker>, module: WebAssembly.Module) {
    this.#port = port;
    port.listen(
      (message) => this.receive(message),
      (cause) => this.end(new VerifierError(CODES.worker, `the worker failed: ${String(cause)}; start another`)),
    );
    port.post({ type: "load", module });
  }

  /** Compiles the module and starts a worker through `connect`; see `browser.ts` and `node.ts`. */
  static async start(source: ModuleSource, connect: () => Port<ToWorker, FromWorker>): Promise<VerifierWorker> {
    const module = await compileModule(source);
    return new VerifierWorker(connect(), module);
  }

  /** {@link verifyResult} in the worker. Aborting rejects at once; the worker stops at its next step. */
  verifyResult(request: ResultToVerify, options: VerifyOptions = {}): Promise<ResultReport> {
    return this.ask("result", request, options);
  }

  /** {@link verifyElement} in the worker. */
  verifyElement(request: ElementToVerify, options: Pick<VerifyOptions, "signal"> = {}): Promise<ElementReport> {
    return this.ask("element", request, options);
  }

  /** {@link recomputeElement} in the worker. */
  recomputeElement(request: ElementToVerify, options: VerifyOptions = {}): Promise<ElementCheck> {
    return this.ask("recompute", request, options);
  }

  /** {@link Verifier.judge} in the worker. */
  judge(pins: ProofPins, proof: Uint8Array, options: Pick<VerifyOptions, "signal"> = {}): Promise<Finding> {
    return this.ask("proof", { pins, proof }, options);
  }

  /** Ends the worker; what is pending is rejected. */
  close(): void {
    this.end(new VerifierError(CODES.worker, "the worker was closed; start another"));
    this.#port.close();
  }

  private ask<Kind extends TaskKind>(
    type: Kind,
    request: Tasks[Kind]["request"],
    { signal, onProgress }: VerifyOptions,
  ): Promise<Tasks[Kind]["answer"]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.#last += 1;
    const id = this.#last;
    return new Promise<Tasks[Kind]["answer"]>((resolve, reject) => {
      const abort = () => {
        this.#pending.delete(id);
        this.#port.post({ type: "abort", id });
        reject(signal?.reason);
      };
      const ended = () => signal?.removeEventListener("abort", abort);
      this.#pending.set(id, {
        resolve: (answer) => {
          ended();
          // The worker answers a task with the answer of its kind: `serve.ts`.
          resolve(answer as Tasks[Kind]["answer"]);
        },
        reject: (reason) => {
          ended();
          reject(reason);
        },
        onProgress,
      });
      signal?.addEventListener("abort", abort, { once: true });
      this.#port.post({ type, id, request } as ToWorker);
    });
  }

  private receive(message: FromWorker): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.type === "progress") {
      pending.onProgress?.(message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if (message.type === "done") pending.resolve(message.answer);
    else if (message.type === "failed") pending.reject(VerifierError.of(message.error.message));
    else pending.reject(new VerifierError(CODES.worker, "the worker stopped a task that nobody aborted"));
  }

  private end(error: VerifierError): void {
    this.#ended ??= error;
    for (const pending of this.#pending.values()) pending.reject(this.#ended);
    this.#pending.clear();
  }
}
