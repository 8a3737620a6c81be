/** Posting a job, out of one's own tokens or out of a budget. */
import {
  associatedAccount,
  clientAddress,
  getPostBudgetJobInstruction,
  getPostJobInstructionAsync,
  jobAddress,
  type PaymentMint,
  paymentMintAddress,
  vaultAddress,
} from "@assay/client";
import { type Address, createNoopSigner } from "@solana/kit";
import { type Offer, postArguments, type Work } from "../../model/offer.ts";
import { escrow } from "../../model/refunds.ts";
import type { Plan } from "../plan.ts";

/** Who pays, and under which number. */
export interface Payer {
  /** The budget, or the account that signs. */
  readonly client: Address;
  readonly isBudget: boolean;
  readonly nextJobId: bigint;
}

/** Posts the job. */
export function postJob(
  work: Work,
  offer: Offer,
  mint: PaymentMint,
  payer: Payer,
  write: (value: bigint) => string,
): Plan {
  const whole = escrow(offer);
  return {
    title: "Post the job",
    action: "Sign and post",
    done: "The job is posted",
    effects: [
      {
        kind: "out",
        text: `${write(whole)} go into escrow${payer.isBudget ? ", out of the budget" : ""}. It is the most that the job can cost.`,
      },
      { kind: "in", text: `What the claim does not fix as the price returns: up to ${write(whole - offer.priceMin)}.` },
      {
        kind: "out",
        text: "The fee of the chain and the rent of the job's accounts. The rent returns when the job is closed, but for that of the client's counter, which is made with its first job or session.",
      },
      { kind: "note", text: "You can take it back until a node claims it." },
    ],
    build: async (signer) => {
      const job = await jobAddress(payer.client, payer.nextJobId);
      const shared = {
        paymentMint: await paymentMintAddress(mint.mint),
        mint: mint.mint,
        job,
        source: await associatedAccount(payer.client, mint),
        tokenProgram: mint.tokenProgram,
        args: postArguments(work, offer, payer.nextJobId),
      };
      if (!payer.isBudget) return [await getPostJobInstructionAsync({ ...shared, client: createNoopSigner(signer) })];
      return [
        getPostBudgetJobInstruction({
          ...shared,
          authority: createNoopSigner(signer),
          budget: payer.client,
          clientAccount: await clientAddress(payer.client),
          vault: await vaultAddress(job),
        }),
      ];
    },
  };
}
