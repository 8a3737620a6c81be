/** What the worker does: one task after another, each with an instance and memory of its own. */

import { CODES, VerifierError } from "../errors.js";
import { recomputeElement } from "../recompute.js";
import { Verifier } from "../verifier.js";
import { type VerifyProgress, verifyElement, verifyResult } from "../verify.js";
import type { FromWorker, Port, TaskKind, Tasks, ToWorker } from "./protocol.js";

type Task = Exclude<ToWorker, { readonly type: "load" | "abort" }>;

/** Serves requests that come in at a port until it closes. */
export function serve(port: Port<FromWorker, ToWorker>): void {
  let module: WebAssembly.Module | undefined;
  const aborts = new Map<number, AbortController>();
  let last: Promise<void> = Promise.resolve();

  const carryOut = async (task: Task, abort: AbortController): Promise<void> => {
    const { id } = task;
    try {
      abort.signal.throwIfAborted();
      if (module === undefined) throw new VerifierError(CODES.worker, "the worker has no module; load it first");
      const verifier = Verifier.of(module);
      const answer = await answerTo(verifier, task, abort.signal, port);
      port.post({ type: "done", id, answer });
    } catch (error) {
      port.post(abort.signal.aborted ? { type: "aborted", id } : { type: "failed", id, error: inWords(error) });
    } finally {
      aborts.delete(id);
    }
  };

  port.listen(
    (message) => {
      if (message.type === "load") {
        module = message.module;
      } else if (message.type === "abort") {
        aborts.get(message.id)?.abort();
      } else {
        const abort = new AbortController();
        aborts.set(message.id, abort);
        last = last.then(() => carryOut(message, abort));
      }
    },
    () => undefined,
  );
}

async function answerTo(
  verifier: Verifier,
  task: Task,
  signal: AbortSignal,
  port: Port<FromWorker, ToWorker>,
): Promise<Tasks[TaskKind]["answer"]> {
  const onProgress = (progress: VerifyProgress) => port.post({ type: "progress", id: task.id, progress });
  switch (task.type) {
    case "result":
      return verifyResult(verifier, task.request, { signal, onProgress });
    case "recompute":
      return recomputeElement(verifier, task.request, { signal, onProgress });
    case "element":
      return verifyElement(verifier, task.request);
    case "proof":
      return verifier.judge(task.request.pins, task.request.proof);
  }
}

function inWords(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof VerifierError) return { code: error.code, message: error.message };
  return { code: CODES.worker, message: `${CODES.worker} the worker failed: ${String(error)}` };
}
