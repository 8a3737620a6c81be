/** Runs in a page's worker. */

import type { FromWorker, ToWorker } from "./protocol.js";
import { serve } from "./serve.js";

serve({
  post: (message: FromWorker) => self.postMessage(message),
  listen: (receive) => {
    self.onmessage = (event: MessageEvent<ToWorker>) => receive(event.data);
  },
  close: () => self.close(),
});
