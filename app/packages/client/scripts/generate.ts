/** Writes `src/generated` anew from the program's interface description: `npm run generate`. */
import { fileURLToPath } from "node:url";
import { renderClient } from "./render.js";

await renderClient(fileURLToPath(new URL("..", import.meta.url)));
