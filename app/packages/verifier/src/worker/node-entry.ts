/** Runs in a worker thread of Node. */

import { parentPort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./protocol.js";
import { serve } from "./serve.js";

const port = parentPort;
if (port !== null) {
  serve({
    post: (message: FromWorker) => port.postMessage(message),
    listen: (receive) => port.on("message", (message: ToWorker) => receive(message)),
    close: () => port.close(),
  });
}
