/** Changes to the nodes of an interface before they are rendered. */
import {
  type InstructionAccountNode,
  type PdaNode,
  type PdaValueNode,
  programIdValueNode,
  publicKeyValueNode,
  type RootNode,
} from "@codama/nodes";
import { bottomUpTransformerVisitor, visit } from "@codama/visitors-core";
import { singleAddresses } from "../src/single-addresses.js";

/** `Parameters` is a type of TypeScript's own, which generated code uses. */
export function withoutNamesOfTypeScript(description: string): string {
  return description.replaceAll('"name": "Parameters"', '"name": "NetworkParameters"');
}

/**
 * Puts each derivation of an address where it is used: `src/addresses.ts` has functions for all addresses, with names that
 * do not depend on which instruction comes first.
 */
export function withInlineAddresses(root: RootNode): RootNode {
  const known = new Map<string, PdaNode>(root.program.pdas.map((pda) => [pda.name, pda]));
  const inlined = visit(
    root,
    bottomUpTransformerVisitor([
      {
        select: "[pdaValueNode]",
        transform: (node) => {
          const value = node as PdaValueNode;
          if (value.pda.kind === "pdaNode") return value;
          const pda = known.get(value.pda.name);
          if (pda === undefined) throw new Error(`No derivation is called ${value.pda.name}`);
          return { ...value, pda };
        },
      },
    ]),
  ) as RootNode;
  return { ...inlined, program: { ...inlined.program, pdas: [] } };
}

/** Anchor leaves accounts of which there is only one to whoever builds an instruction; here nobody has to name them. */
export function withDefaultAccounts(root: RootNode): RootNode {
  return visit(
    root,
    bottomUpTransformerVisitor([
      {
        select: "[instructionAccountNode]",
        transform: (node) => {
          const account = node as InstructionAccountNode;
          if (account.name === "program") return { ...account, defaultValue: programIdValueNode() };
          const known = Object.entries(singleAddresses).find(([name]) => name === account.name)?.[1];
          return known === undefined ? account : { ...account, defaultValue: publicKeyValueNode(known, account.name) };
        },
      },
    ]),
  ) as RootNode;
}
