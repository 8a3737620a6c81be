/** What can be done with a job that exists. */
import {
  CreditRole,
  clientAddress,
  feeVaultAddress,
  getAcceptResultInstruction,
  getCancelJobInstruction,
  getCloseJobInstruction,
  getExpireClaimInstruction,
  getExpireJobInstruction,
  getFinaliseJobInstruction,
  getWithdrawChargeInstruction,
  getWithdrawCreditInstruction,
  type Job,
  JobState,
  paymentMintAddress,
} from "@assay/client";
import { type Address, createNoopSigner, type Instruction } from "@solana/kit";
import type { Row } from "../../data/kinds.ts";
import type { Effect, Plan } from "../review.tsx";
import { associated, createAssociated, TOKEN_PROGRAM, type Token } from "./tokens.ts";

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
      { kind: "lock", text: "The node's bond stays at risk until the window is over, but a conviction no longer refunds the price." },
    ],
    build: async (signer) => [getAcceptResultInstruction({ client: createNoopSigner(signer), job: address })],
  };
}

/** Ends a job whose time is over; anybody may. `undefined` where nothing is overdue. */
export function endOverdue({ address, data }: Row<"job">, now: bigint): Plan | undefined {
  const over = (start: bigint, length: bigint) => now > start + length;
  const plan = (title: string, effect: Effect, instruction: () => Instruction): Plan => ({
    title,
    action: "Sign and end it",
    done: "The job has ended",
    effects: [effect, { kind: "note", text: "Anybody may do this; it costs the fee of a transaction and moves nothing of yours." }],
    build: async () => [instruction()],
  });
  if (data.state === JobState.Posted && over(data.postedSlot, data.claimSlots)) {
    return plan("End the unclaimed job", { kind: "in", text: "The client is owed everything back." }, () =>
      getExpireJobInstruction({ job: address }),
    );
  }
  if (data.state === JobState.Claimed && over(data.claimedSlot, data.runSlots)) {
    return plan(
      "End the missed job",
      { kind: "in", text: "The client is owed everything back, and a charge out of the node's bond." },
      () => getExpireClaimInstruction({ node: data.node, job: address }),
    );
  }
  const committed = data.state === JobState.Committed || data.state === JobState.Accepted;
  if (committed && over(data.committedSlot, data.windowSlots) && data.record.challengesOpen === 0) {
    return plan(
      "Settle the job",
      { kind: "out", text: "The node is owed its price, the client what is left, and the bond is unlocked." },
      () => getFinaliseJobInstruction({ node: data.node, job: address }),
    );
  }
  return undefined;
}

/** Everything that an ended job owes to its client, and its rent where nobody else has anything left in it. */
export function reclaim({ address, data }: Row<"job">, token: Token, stakeMint: Address, write: Writers): Plan {
  const effects: Effect[] = [];
  if (data.credits.client > 0n) effects.push({ kind: "in", text: `${write.payment(data.credits.client)} go to your token account.` });
  if (data.chargeCredit > 0n) effects.push({ kind: "in", text: `${write.stake(data.chargeCredit)} of the node's bond go to you, for the miss.` });
  const closes = canClose(data);
  effects.push(
    closes
      ? { kind: "in", text: "The job is closed and the rent of its accounts returns to you." }
      : { kind: "note", text: "The job stays open: somebody else still has a credit in it. Its rent returns when it is closed." },
  );
  return {
    title: "Take out what is yours",
    action: "Sign and withdraw",
    done: "It is withdrawn",
    effects,
    build: async (signer) => {
      const vault = data.vault;
      const instructions: Instruction[] = [];
      if (data.credits.client > 0n) {
        instructions.push(
          await createAssociated(token, data.client, signer),
          getWithdrawCreditInstruction({
            authority: createNoopSigner(signer),
            job: address,
            vault,
            mint: token.mint,
            destination: await associated(token, data.client),
            tokenProgram: token.tokenProgram,
            role: CreditRole.Client,
            associatedBump: null,
          }),
        );
      }
      if (data.chargeCredit > 0n) {
        const stake = { mint: stakeMint, tokenProgram: TOKEN_PROGRAM };
        instructions.push(
          await createAssociated(stake, data.client, signer),
          getWithdrawChargeInstruction({
            authority: createNoopSigner(signer),
            job: address,
            stakeMint,
            destination: await associated(stake, data.client),
          }),
        );
      }
      if (closes) instructions.push(await closeInstruction(address, data, token));
      return instructions;
    },
  };
}

/** Whether nobody but the client has anything left in the job. */
export function canClose(job: Job): boolean {
  return (
    job.credits.node === 0n &&
    job.credits.audits === 0n &&
    job.audit.openAttestations === 0 &&
    job.record.burnCredit === 0n &&
    job.record.challengesOpen === 0
  );
}

async function closeInstruction(address: Address, job: Job, token: Token): Promise<Instruction> {
  return getCloseJobInstruction({
    job: address,
    vault: job.vault,
    client: job.client,
    clientAccount: await clientAddress(job.client),
    paymentMint: await paymentMintAddress(token.mint),
    mint: token.mint,
    feeVault: await feeVaultAddress(token.mint),
    tokenProgram: token.tokenProgram,
  });
}
