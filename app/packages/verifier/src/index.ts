/** Results of the Assay market, checked where they are looked at. `browser.ts` and `node.ts` load the module. */

export { fromHex, sameBytes, toHex } from "./bytes.js";
export { CODES, VerifierError } from "./errors.js";
export { ABI_VERSION, compileModule, type ModuleSource } from "./module.js";
export { type CommittedElement, type ElementCheck, recomputeElement } from "./recompute.js";
export * from "./types.js";
export { Verifier } from "./verifier.js";
export {
  type ElementReport,
  type ElementToVerify,
  type ResultReport,
  type ResultToVerify,
  type Stage,
  type VerifyOptions,
  type VerifyProgress,
  verifyElement,
  verifyResult,
} from "./verify.js";
export { Work } from "./work.js";
export { VerifierWorker } from "./worker/client.js";
export type { FromWorker, Port, ToWorker } from "./worker/protocol.js";
