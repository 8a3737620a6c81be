/** The verifier in a page: module and worker are found by the bundler. */

import type { ModuleSource } from "./module.js";
import { Verifier } from "./verifier.js";
import { VerifierWorker } from "./worker/client.js";
import type { FromWorker, ToWorker } from "./worker/protocol.js";

/** Where the bundler put the module. */
export const MODULE_URL: URL = new URL("../wasm/assay_verifier.wasm", import.meta.url);

/** The verifier in this thread: for single elements, proofs and hashes. */
export function loadVerifier(source: ModuleSource = fetch(MODULE_URL)): Promise<Verifier> {
  return Verifier.load(source);
}

/** The verifier in a worker: for whole results. */
export function startVerifierWorker(source: ModuleSource = fetch(MODULE_URL)): Promise<VerifierWorker> {
  return VerifierWorker.start(source, () => {
    const worker = new Worker(new URL("./worker/browser-entry.ts", import.meta.url), { type: "module" });
    return {
      post: (message: ToWorker) => worker.postMessage(message),
      listen: (receive: (message: FromWorker) => void, fail: (cause: unknown) => void) => {
        worker.onmessage = (event: MessageEvent<FromWorker>) => receive(event.data);
        worker.onerror = (event) => fail(event.message);
        worker.onmessageerror = () => fail("a message could not be read");
      },
      close: () => worker.terminate(),
    };
  });
}
