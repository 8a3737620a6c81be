/** Whether a job on the chain is the one that somebody wanted to post. */
import { type Address, unwrapOption } from "@solana/kit";
import { NOBODY } from "./filter.js";
import type { Job } from "./generated/accounts/index.js";
import {
  getPostJobArgsDecoder,
  getPostJobArgsEncoder,
  type JobFilter,
  type PostJobArgs,
  type PostJobArgsArgs,
} from "./generated/types/index.js";
import { sameBytes } from "./hashes.js";

const NO_FILTER: JobFilter = { capabilities: 0n, regions: 0n, minimumScore: [0], minimumTier: 0 };

/** Whether a job has this number, this work and these terms. Where its artifacts lie may differ: their roots are the same. */
export function isPostedWith(job: Job, args: PostJobArgsArgs, paymentMint: Address): boolean {
  const asked = getPostJobArgsDecoder().decode(getPostJobArgsEncoder().encode(args));
  return job.paymentMint === paymentMint && sameBytes(comparable(asked), comparable(argumentsOf(job)));
}

/** What a job was posted with; every field by name, so that a new one has to be thought of here. */
function argumentsOf(job: Job): Comparable {
  return {
    jobId: job.jobId,
    graphRoot: job.graphRoot,
    paramsRoot: job.paramsRoot,
    inputsRoot: job.inputsRoot,
    irVersion: job.irVersion,
    symbols: job.symbols,
    output: job.output,
    priceMin: job.priceMin,
    priceMax: job.priceMax,
    rampHoldSlots: job.rampHoldSlots,
    rampSlots: job.rampSlots,
    claimSlots: job.claimSlots,
    runSlots: job.runSlots,
    windowSlots: job.windowSlots,
    minimumStake: job.minimumStake,
    bond: job.bond,
    auditPot: job.audit.pot,
    auditCap: job.audit.cap,
    invitedNode: { __option: "Some", value: job.invitedNode },
    costUnits: job.costUnits,
    filter: { __option: "Some", value: job.filter },
  };
}

type Comparable = Omit<PostJobArgs, "graphUri" | "paramsUri" | "inputsUri" | "storeUri">;

/** The bytes of arguments without addresses; what is left open is filled in as the program does. */
function comparable(args: Comparable): ReturnType<ReturnType<typeof getPostJobArgsEncoder>["encode"]> {
  return getPostJobArgsEncoder().encode({
    ...args,
    invitedNode: unwrapOption(args.invitedNode) ?? NOBODY,
    filter: unwrapOption(args.filter) ?? NO_FILTER,
    graphUri: "",
    paramsUri: "",
    inputsUri: "",
    storeUri: "",
  });
}
