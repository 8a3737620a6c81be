/** The Assay market from TypeScript. */
export * from "./addresses.js";
export * from "./generated/index.js";
export * from "./single-addresses.js";
