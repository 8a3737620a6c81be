// Node runs no TypeScript by itself, and its worker threads take no hooks from their parent: tsx reads the entry here.
import { tsImport } from "tsx/esm/api";

await tsImport("./node-entry.ts", import.meta.url);
