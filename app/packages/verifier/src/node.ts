/** The verifier in Node. */

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { CODES, VerifierError } from "./errors.js";
import type { ModuleSource } from "./module.js";
import { Verifier } from "./verifier.js";
import { VerifierWorker } from "./worker/client.js";
import type { FromWorker, ToWorker } from "./worker/protocol.js";

/** Where `cargo xtask wasm` puts the module. */
export const MODULE_URL: URL = new URL("../wasm/assay_verifier.wasm", import.meta.url);

/** The module's bytes. */
export async function readModule(from: URL = MODULE_URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(from));
  } catch (cause) {
    throw new VerifierError(CODES.unloadable, `${from.pathname} cannot be read; build it with: cargo xtask wasm`, {
      cause,
    });
  }
}

/** The verifier in this thread. */
export async function loadVerifier(source?: ModuleSource): Promise<Verifier> {
  return Verifier.load(source ?? (await readModule()));
}

/** The verifier in a worker thread. Node reads TypeScript through the package tsx, which must be installed. */
export async function startVerifierWorker(source?: ModuleSource): Promise<VerifierWorker> {
  return VerifierWorker.start(source ?? (await readModule()), () => {
    const worker = new Worker(new URL("./worker/node-start.mjs", import.meta.url));
    return {
      post: (message: ToWorker) => worker.postMessage(message),
      listen: (receive: (message: FromWorker) => void, fail: (cause: unknown) => void) => {
        worker.on("message", receive);
        worker.on("error", fail);
        worker.on("messageerror", fail);
      },
      close: () => void worker.terminate(),
    };
  });
}
