/** What a page and the worker that verifies for it say to one another. */

import type { ElementCheck } from "../recompute.js";
import type { Finding, ProofPins } from "../types.js";
import type { ElementReport, ElementToVerify, ResultReport, ResultToVerify, VerifyProgress } from "../verify.js";

/** Requests with their answers. */
export interface Tasks {
  readonly result: { readonly request: ResultToVerify; readonly answer: ResultReport };
  readonly element: { readonly request: ElementToVerify; readonly answer: ElementReport };
  readonly recompute: { readonly request: ElementToVerify; readonly answer: ElementCheck };
  readonly proof: {
    readonly request: { readonly pins: ProofPins; readonly proof: Uint8Array };
    readonly answer: Finding;
  };
}

/** A kind of request. */
export type TaskKind = keyof Tasks;

/** To the worker. */
export type ToWorker =
  | { readonly type: "load"; readonly module: WebAssembly.Module }
  | {
      readonly [Kind in TaskKind]: {
        readonly type: Kind;
        readonly id: number;
        readonly request: Tasks[Kind]["request"];
      };
    }[TaskKind]
  | { readonly type: "abort"; readonly id: number };

/** From the worker. */
export type FromWorker =
  | { readonly type: "progress"; readonly id: number; readonly progress: VerifyProgress }
  | { readonly type: "done"; readonly id: number; readonly answer: Tasks[TaskKind]["answer"] }
  | {
      readonly type: "failed";
      readonly id: number;
      readonly error: { readonly code: string; readonly message: string };
    }
  | { readonly type: "aborted"; readonly id: number };

/** One end of the channel: a worker as the page sees it, or the page as the worker sees it. */
export interface Port<Out, In> {
  post(message: Out): void;
  listen(receive: (message: In) => void, fail: (cause: unknown) => void): void;
  close(): void;
}
