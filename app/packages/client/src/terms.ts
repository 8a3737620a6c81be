/** What a client offers: price, deadlines, bond. */
import type { Address } from "@solana/kit";
import { minimumBond } from "./escrow.js";
import { ClientFailure } from "./failure.js";
import type { Network, PaymentMint } from "./generated/accounts/index.js";
import type { JobFilterArgs, PostJobArgsArgs } from "./generated/types/index.js";
import { IR_VERSION } from "./graph/parts.js";
import { larger } from "./integers.js";
import { sortitionSlots } from "./sortition.js";
import type { ArtifactUris } from "./store.js";
import type { Work } from "./work.js";

/** The terms of a job. Prices are base units of the payment mint, bonds and stakes of the stake mint. */
export interface Terms {
  /** Price until the hold ends, in base units. */
  readonly priceMin: bigint;
  /** Price at the end of the ramp; all of it is escrowed, what the claim does not fix comes back. */
  readonly priceMax: bigint;
  /** How long the price stays at the minimum; 10 slots, or until all may claim, if that is longer. */
  readonly rampHoldSlots?: bigint;
  /** How long it then rises; 50 slots. */
  readonly rampSlots?: bigint;
  /** How long the job can be claimed; 150 slots, and at least until the ramp is over. */
  readonly claimSlots?: bigint;
  /** How long the node may compute; 750 slots. */
  readonly runSlots?: bigint;
  /** Length of the challenge window; the network's shortest, or two epochs where an audit needs more. */
  readonly windowSlots?: bigint;
  /** Least stake of the node; the network's. */
  readonly minimumStake?: bigint;
  /** What the node locks; the network's least for the maximum price. */
  readonly bond?: bigint;
  /** For validators that attest the result, escrowed beside the price; none. */
  readonly auditPot?: bigint;
  /** Most that one attestation earns. */
  readonly auditCap?: bigint;
  /** The only node that may claim; every node. */
  readonly invitedNode?: Address;
  /** Which nodes may claim, besides the stake; every node. */
  readonly filter?: JobFilterArgs;
  /** Base address of the store to which the node uploads the result; it serves the result itself. */
  readonly storeUri?: string;
}

/** The arguments of `post_job`. `T0102` for terms that the program would refuse, with what to do. */
export function postJobArguments(
  terms: Terms,
  jobId: bigint,
  work: Work,
  artifacts: ArtifactUris,
  network: Pick<Network, "parameters">,
  mint: Pick<PaymentMint, "bondNumerator" | "bondDenominator">,
): PostJobArgsArgs {
  const { parameters } = network;
  const auditPot = terms.auditPot ?? 0n;
  const auditWindow = auditPot > 0n ? 2n * BigInt(parameters.audit.epochSlots) : 0n;
  const shortest = parameters.minimumWindowSlots;
  const rampHoldSlots = larger(terms.rampHoldSlots ?? 10n, sortitionSlots(parameters.scheduling.opening));
  const rampSlots = terms.rampSlots ?? 50n;
  const args = {
    jobId,
    graphRoot: work.graph.root,
    paramsRoot: work.paramsRoot,
    inputsRoot: work.inputsRoot,
    irVersion: IR_VERSION,
    symbols: work.pinnedSymbols,
    output: work.output,
    priceMin: terms.priceMin,
    priceMax: terms.priceMax,
    rampHoldSlots,
    rampSlots,
    claimSlots: larger(terms.claimSlots ?? 150n, rampHoldSlots + rampSlots),
    runSlots: terms.runSlots ?? 750n,
    windowSlots: terms.windowSlots ?? larger(shortest, auditWindow),
    minimumStake: terms.minimumStake ?? parameters.minimumStake,
    bond: terms.bond ?? minimumBond(terms.priceMax, mint, parameters.minimumBondBps),
    auditPot,
    auditCap: terms.auditCap ?? 0n,
    invitedNode: terms.invitedNode ?? null,
    costUnits: work.graph.costUnits(work.symbols),
    filter: terms.filter ?? null,
    graphUri: artifacts.graph,
    paramsUri: artifacts.params,
    inputsUri: artifacts.inputs,
    storeUri: terms.storeUri ?? "",
  };
  checkTerms(args);
  return args;
}

/** Bytes of a job's four URIs for which a transaction of 1,232 bytes has room, where it holds nothing but the posting. */
const MOST_URI_BYTES = 434;
/** Bytes that an invitation takes of them. */
const INVITATION_BYTES = 32;
/** Bytes that a filter of nodes takes of them. */
const FILTER_BYTES = 19;

/** The four URIs of a job. */
type Uris = Pick<PostJobArgsArgs, "graphUri" | "paramsUri" | "inputsUri" | "storeUri">;

/** Bytes of the four URIs of a job together. */
export function uriBytes({ graphUri, paramsUri, inputsUri, storeUri }: Uris): number {
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  return bytes(graphUri) + bytes(paramsUri) + bytes(inputsUri) + bytes(storeUri);
}

/** Most bytes of them, though each may have `MAXIMUM_URI_BYTES`: they share one transaction with everything else of the posting. */
export function mostUriBytes({ invitedNode, filter }: { invitedNode?: unknown; filter?: unknown }): number {
  return MOST_URI_BYTES - (invitedNode ? INVITATION_BYTES : 0) - (filter ? FILTER_BYTES : 0);
}

function checkTerms(args: Uris & { priceMin: bigint; priceMax: bigint; invitedNode: unknown; filter: unknown }): void {
  const refused = (problem: string, remedy: string) => new ClientFailure("T0102", problem, remedy);
  if (args.priceMax <= 0n) throw refused("the maximum price is 0", "offer at least one base unit");
  if (args.priceMin > args.priceMax) throw refused("the minimum price is above the maximum", "swap them");
  const [bytes, most] = [uriBytes(args), mostUriBytes(args)];
  if (bytes > most) {
    const problem = `the addresses of graph, params, inputs and store have ${bytes} bytes together, a transaction has room for ${most}`;
    throw refused(problem, "serve them under a shorter address, or name no store");
  }
}
