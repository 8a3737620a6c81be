/** The Assay market from TypeScript: see the README. */
export * from "./addresses.js";
export * from "./bundle.js";
export * from "./deadlines.js";
export * from "./escrow.js";
export * from "./failure.js";
export * from "./filter.js";
export * from "./generated/index.js";
export * from "./graph/graph.js";
export { IR_VERSION } from "./graph/parts.js";
export * from "./hashes.js";
export { U64_MAX } from "./integers.js";
export * from "./merkle.js";
export * from "./price.js";
export * from "./reputation.js";
export * from "./single-addresses.js";
export * from "./sortition.js";
export * from "./tensor-layout.js";
