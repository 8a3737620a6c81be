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
  await replaceOnce(join(generated, "programs/assay.ts"), PLUGIN_RESULT, "");
  await replaceOnce(
    join(generated, "index.ts"),
    'export * from "./errors";',
    'export * from "./errors";\nexport * from "./events";',
  );
  await writeFile(join(generated, "events.ts"), eventsModule(root));
}

/** The renderer states a type that `extendClient` of this kit does not have; without it, the right one is inferred. */
const PLUGIN_RESULT = ': Omit<T, "assay"> & { assay: AssayPlugin }';

async function interfaceNodes(): Promise<RootNode> {
  const description: AnchorIdl = JSON.parse(withoutNamesOfTypeScript(await readFile(INTERFACE_DESCRIPTION, "utf8")));
  return withDefaultAccounts(withInlineAddresses(rootNodeFromAnchor(description)));
}

async function replaceOnce(path: string, before: string, after: string): Promise<void> {
  const parts = (await readFile(path, "utf8")).split(before);
  if (parts.length !== 2) throw new Error(`${path} has ${parts.length - 1} places with ${before}, not one`);
  await writeFile(path, parts.join(after));
}
