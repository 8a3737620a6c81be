/** From the interface description `app/idl/assay.json` to TypeScript for `@solana/kit`. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RootNode } from "@codama/nodes";
import { type AnchorIdl, rootNodeFromAnchor } from "@codama/nodes-from-anchor";
import { renderVisitor } from "@codama/renderers-js";
import { visit } from "@codama/visitors-core";
import { eventsModule, withEventTypes } from "./events.js";
import { withDefaultAccounts, withInlineAddresses, withoutNamesOfTypeScript } from "./nodes.js";
import { refusalsModule } from "./refusals.js";

/** Where the program's interface description lies. */
export const INTERFACE_DESCRIPTION = fileURLToPath(new URL("../../../idl/assay.json", import.meta.url));

/** Renders the client into `src/generated` of a package folder. */
export async function renderClient(packageFolder: string): Promise<void> {
  const root = await interfaceNodes();
  await visit(
    withEventTypes(root),
    renderVisitor(packageFolder, {
      kitImportStrategy: "rootOnly",
      prettierOptions: { printWidth: 120 },
      syncPackageJson: false,
    }),
  );
  const generated = join(packageFolder, "src/generated");
  await edit(join(generated, "programs/assay.ts"), (text) => without(text, PLUGIN_RESULT, PLUGIN_RESULT));
  await edit(join(generated, "errors/assay.ts"), (text) => without(text, ...MESSAGES));
  await edit(join(generated, "index.ts"), (text) => `${text}export * from "./events";\nexport * from "./refusals";\n`);
  await writeFile(join(generated, "events.ts"), eventsModule(root));
  await writeFile(join(generated, "refusals.ts"), refusalsModule(root));
}

/** The renderer states a type that `extendClient` of this kit does not have; without it, the right one is inferred. */
const PLUGIN_RESULT = ': Omit<T, "assay"> & { assay: AssayPlugin }';

/** Its messages of errors are looked up by `process.env`, which no browser has; `refusals.ts` has them instead. */
const MESSAGES = [
  "let assayErrorMessages",
  'return "Error message not available in production bundles.";\n}\n\n',
] as const;

async function interfaceNodes(): Promise<RootNode> {
  const description: AnchorIdl = JSON.parse(withoutNamesOfTypeScript(await readFile(INTERFACE_DESCRIPTION, "utf8")));
  return withDefaultAccounts(withInlineAddresses(rootNodeFromAnchor(description)));
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, "utf8")));
}

/** The text without what stands from the one place with `first` to the end of the next `last`. */
function without(text: string, first: string, last: string): string {
  const [before, rest, more] = text.split(first);
  const end = `${first}${rest}`.indexOf(last);
  if (before === undefined || rest === undefined || more !== undefined || end < 0) {
    throw new Error(`The renderer no longer writes ${first} once: look at what it writes now`);
  }
  return before + `${first}${rest}`.slice(end + last.length);
}
