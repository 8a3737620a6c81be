/** A node as a row of a list: what its account and an index both tell. */
import type { Node } from "@assay/client/generated";
import type { Address } from "@solana/kit";

/** What lists show of a node. */
export type NodeFacts = Pick<
  Node,
  | "withdrawAuthority"
  | "operator"
  | "stake"
  | "locked"
  | "openJobs"
  | "jobsSettled"
  | "jobsMissed"
  | "fraudConvictions"
  | "score"
  | "registeredSlot"
  | "endpoint"
>;

/** A row: the account of a node, or what an index keeps of it. */
export interface NodeLine {
  readonly address: Address;
  readonly data: NodeFacts | Node;
}

/** What an index keeps of a node. */
export interface IndexedNode extends NodeLine {
  readonly data: NodeFacts;
  /** The first slot in which it may claim again; 0 or past if it may. */
  readonly jailedUntilSlot: bigint;
  /** When its operator last signed something. */
  readonly seenSlot: bigint;
  /** When it was seen to be gone; 0 while it exists. */
  readonly closedSlot: bigint;
}

/** Whether a row is the account itself. */
export function isAccount(line: NodeLine): line is { readonly address: Address; readonly data: Node } {
  return "evidence" in line.data;
}
