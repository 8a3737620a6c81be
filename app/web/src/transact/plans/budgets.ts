/** What an owner can do with budgets. */
import {
  associatedAccount,
  type Budget,
  type BudgetLimitsArgs,
  budgetAddress,
  clientAddress,
  getCloseBudgetInstruction,
  getCreateBudgetInstructionAsync,
  getSetBudgetInstruction,
  getWithdrawBudgetInstruction,
  paymentMintAddress,
  type TokenMint,
} from "@assay/client";
import { type Address, createNoopSigner, lamports } from "@solana/kit";
import { getTransferSolInstruction } from "@solana-program/system";
import { getTransferCheckedInstruction } from "@solana-program/token";
import type { Row } from "../../data/kinds.ts";
import { NOBODY } from "../../model/keys.ts";
import type { Plan } from "../plan.ts";
import { createAssociated } from "./tokens.ts";

/** A mint with all that a transfer of it names. */
export type Token = TokenMint & { readonly decimals: number };

/** Creates a budget and fills it. */
export function createBudget(
  index: number,
  agent: Address,
  limits: BudgetLimitsArgs,
  token: Token,
  fill: { readonly tokens: bigint; readonly lamports: bigint },
  write: (value: bigint) => string,
): Plan {
  return {
    title: "Create the budget",
    action: "Sign and create it",
    done: "The budget is created",
    effects: [
      {
        kind: "out",
        text: `${write(fill.tokens)} move into the budget's vault, and lamports for the rent of its jobs.`,
      },
      {
        kind: "lock",
        text: "The agent can post jobs within the limits and nothing else. Tokens leave by the rules for jobs, or to you.",
      },
      {
        kind: "in",
        text: "Refunds, charges and rent of its jobs return to the budget. You take out what is left at any time.",
      },
      { kind: "note", text: "You can revoke the agent at once." },
    ],
    build: async (signer) => {
      const owner = createNoopSigner(signer);
      const budget = await budgetAddress(signer, index);
      return [
        await getCreateBudgetInstructionAsync({
          owner,
          paymentMint: await paymentMintAddress(token.mint),
          budget,
          clientAccount: await clientAddress(budget),
          index,
          agent,
          limits,
        }),
        ...(await fillInstructions(signer, budget, token, fill)),
      ];
    },
  };
}

/** Adds to a budget. */
export function fundBudget(
  budget: Address,
  token: Token,
  fill: { readonly tokens: bigint; readonly lamports: bigint },
  write: (value: bigint) => string,
): Plan {
  return {
    title: "Add to the budget",
    action: "Sign and add",
    done: "It is added",
    effects: [
      { kind: "out", text: `${write(fill.tokens)} move into the budget's vault. You can take them out again.` },
    ],
    build: (signer) => fillInstructions(signer, budget, token, fill),
  };
}

async function fillInstructions(
  signer: Address,
  budget: Address,
  token: Token,
  fill: { tokens: bigint; lamports: bigint },
) {
  const owner = createNoopSigner(signer);
  const vault = await associatedAccount(budget, token);
  return [
    await createAssociated(token, budget, signer),
    ...(fill.tokens === 0n
      ? []
      : [
          getTransferCheckedInstruction(
            {
              source: await associatedAccount(signer, token),
              mint: token.mint,
              destination: vault,
              authority: owner,
              amount: fill.tokens,
              decimals: token.decimals,
            },
            { programAddress: token.tokenProgram },
          ),
        ]),
    ...(fill.lamports === 0n
      ? []
      : [getTransferSolInstruction({ source: owner, destination: budget, amount: lamports(fill.lamports) })]),
  ];
}

/** Replaces the limits. */
export function setLimits(budget: Address, limits: BudgetLimitsArgs): Plan {
  return {
    title: "Change the limits",
    action: "Sign and change them",
    done: "The limits are changed",
    effects: [
      { kind: "note", text: "They hold from the next job on; jobs that exist go on." },
      { kind: "note", text: "Another length of periods begins a new one, in which nothing is spent yet." },
    ],
    build: async (signer) => [
      getSetBudgetInstruction({ owner: createNoopSigner(signer), budget, agent: null, limits }),
    ],
  };
}

/** Takes the agent's powers away. */
export function revoke(budget: Address): Plan {
  return {
    title: "Revoke the agent",
    action: "Sign and revoke it",
    done: "The agent is revoked",
    effects: [
      { kind: "lock", text: "From then on only you can post out of the budget. It holds at once." },
      { kind: "note", text: "Jobs that are posted go on; what they refund returns to the budget." },
    ],
    build: async (signer) => [
      getSetBudgetInstruction({ owner: createNoopSigner(signer), budget, agent: NOBODY, limits: null }),
    ],
  };
}

/** Takes tokens out. */
export function withdrawBudget(
  budget: Address,
  token: TokenMint,
  tokens: bigint,
  write: (value: bigint) => string,
): Plan {
  return {
    title: "Take out of the budget",
    action: "Sign and take it out",
    done: "It is withdrawn",
    effects: [{ kind: "in", text: `${write(tokens)} go to your token account.` }],
    build: async (signer) => [
      await createAssociated(token, signer, signer),
      getWithdrawBudgetInstruction({
        owner: createNoopSigner(signer),
        budget,
        mint: token.mint,
        source: await associatedAccount(budget, token),
        destination: await associatedAccount(signer, token),
        tokenProgram: token.tokenProgram,
        tokens,
        lamports: 0n,
      }),
    ],
  };
}

/** Takes everything out and removes the budget. */
export function closeBudget({ address }: Row<"budget">, token: TokenMint): Plan {
  return {
    title: "Close the budget",
    action: "Sign and close it",
    done: "The budget is closed",
    effects: [
      { kind: "in", text: "All its tokens and lamports, rent included, go to you." },
      { kind: "note", text: "This works once every job of the budget is closed." },
    ],
    build: async (signer) => [
      await createAssociated(token, address, signer),
      await createAssociated(token, signer, signer),
      getCloseBudgetInstruction({
        owner: createNoopSigner(signer),
        budget: address,
        clientAccount: await clientAddress(address),
        paymentMint: token.mint,
        vault: await associatedAccount(address, token),
        destination: await associatedAccount(signer, token),
        tokenProgram: token.tokenProgram,
      }),
    ],
  };
}

/** What the budget may still escrow in the present period. */
export function periodLeft(budget: Budget, now: bigint): bigint {
  const { periodSlots, maximumPeriodEscrow } = budget.limits;
  const over = periodSlots > 0n && now >= budget.periodStartSlot + periodSlots;
  const left = maximumPeriodEscrow - (over ? 0n : budget.periodEscrowed);
  return left > 0n ? left : 0n;
}
