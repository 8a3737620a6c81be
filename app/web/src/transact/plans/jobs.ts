/** What can be done with a job that exists. */
import {
  CreditRole,
  chargeInstructions,
  closeInstruction,
  getAcceptResultInstruction,
  getCancelJobInstruction,
  isClosable,
  JobState,
  overdueInstruction,
  payoutInstructions,
  type TokenMint,
} from "@assay/client";
import { type Address, createNoopSigner, type Instruction } from "@solana/kit";
import type { Row } from "../../data/kinds.ts";
import type { Effect, Plan } from "../plan.ts";
import { TOKEN_PROGRAM } from "./tokens.ts";

/** How amounts are written, so that plans need to know nothing of components. */
export interface Writers {
  payment(value: bigint): string;
  stake(value: bigint): string;
}

/** Takes a job back that nobody has claimed. */
export function cancelJob({ address, data }: Row<"job">, write: Writers): Plan {
  const back = data.priceMax + data.audit.pot;
  return {
    title: "Take the job back",
    action: "Sign and take it back",
    done: "The job is cancelled",
    effects: [
      { kind: "in", text: `${write.payment(back)} are owed to you from then on; withdraw them with the next step.` },
      { kind: "note", text: "If a node claims first, this fails and nothing changes." },
    ],
    build: async (signer) => [getCancelJobInstruction({ client: createNoopSigner(signer), job: address })],
  };
}

/** Pays the node before the window is over. */
export function acceptResult({ address, data }: Row<"job">, write: Writers): Plan {
  return {
    title: "Accept the result early",
    action: "Sign and accept",
    done: "The result is accepted",
    effects: [
      { kind: "out", text: `The node is paid ${write.payment(data.price)}, less the protocol's fee, at once.` },
      { kind: "in", text: `${write.payment(data.priceMax - data.price)} of the escrow are owed to you.` },
      {
        kind: "lock",
        text: "The node's bond stays at risk until the window is over, but a conviction no longer refunds the price.",
      },
    ],
    build: async (signer) => [getAcceptResultInstruction({ client: createNoopSigner(signer), job: address })],
  };
}

const OVERDUE: Readonly<Partial<Record<JobState, readonly [string, Effect]>>> = {
  [JobState.Posted]: ["End the unclaimed job", { kind: "in", text: "The client is owed everything back." }],
  [JobState.Claimed]: [
    "End the missed job",
    { kind: "in", text: "The client is owed everything back, and a charge out of the node's bond." },
  ],
  [JobState.Committed]: [
    "Settle the job",
    { kind: "out", text: "The node is owed its price, the client what is left, and the bond is unlocked." },
  ],
  [JobState.Accepted]: [
    "Settle the job",
    { kind: "in", text: "The bond of the node is unlocked, and the audit pot is shared out." },
  ],
};

/** Ends a job whose time is over; anybody may. `undefined` where nothing is overdue. */
export function endOverdue({ address, data }: Row<"job">, now: bigint): Plan | undefined {
  const words = OVERDUE[data.state];
  const instruction = overdueInstruction(address, data, now);
  if (words === undefined || instruction === null) return undefined;
  const [title, effect] = words;
  return {
    title,
    action: "Sign and end it",
    done: "The job has ended",
    effects: [
      effect,
      { kind: "note", text: "Anybody may do this; it costs the fee of a transaction and moves nothing of yours." },
    ],
    build: async () => [instruction],
  };
}

/** Everything that an ended job owes to its client, and its rent where nobody else has anything left in it. */
export function reclaim({ address, data }: Row<"job">, token: TokenMint, stakeMint: Address, write: Writers): Plan {
  const effects: Effect[] = [];
  if (data.credits.client > 0n) {
    effects.push({ kind: "in", text: `${write.payment(data.credits.client)} go to your token account.` });
  }
  if (data.chargeCredit > 0n) {
    effects.push({ kind: "in", text: `${write.stake(data.chargeCredit)} of the node's bond go to you, for the miss.` });
  }
  const closes = closesAfterPayout(data);
  effects.push(
    closes
      ? { kind: "in", text: "The job is closed and the rent of its accounts returns to you." }
      : {
          kind: "note",
          text: "The job stays open: somebody else still has a credit in it. Its rent returns when it is closed.",
        },
  );
  return {
    title: "Take out what is yours",
    action: "Sign and withdraw",
    done: "It is withdrawn",
    effects,
    build: async (signer) => {
      const authority = createNoopSigner(signer);
      const instructions: Instruction[] = [];
      if (data.credits.client > 0n) {
        instructions.push(...(await payoutInstructions(authority, address, data, CreditRole.Client, token)));
      }
      if (data.chargeCredit > 0n) {
        const stake = { mint: stakeMint, tokenProgram: TOKEN_PROGRAM };
        instructions.push(...(await chargeInstructions(authority, address, data, stake)));
      }
      if (closes) instructions.push(await closeInstruction(address, data, token));
      return instructions;
    },
  };
}

/** Whether the job can be closed once its client has taken out what it is owed. */
export function closesAfterPayout(data: Row<"job">["data"]): boolean {
  return isClosable({ ...data, credits: { ...data.credits, client: 0n }, chargeCredit: 0n });
}
