export { hasLocalnet, Localnet } from "./localnet.ts";
export { freePorts } from "./ports.ts";
