/** What can be done with stake. */
import {
  associatedAccount,
  getCancelWithdrawalInstruction,
  getRegisterNodeInstruction,
  getRequestWithdrawalInstruction,
  getStakeInstruction,
  getWithdrawStakeInstruction,
  nodeAddress,
} from "@assay/client";
import { type Address, createNoopSigner } from "@solana/kit";
import type { Row } from "../../data/kinds.ts";
import { unbondingTotal } from "../../model/node-view.ts";
import { formatSlots } from "../../model/time.ts";
import type { Plan } from "../plan.ts";
import { createAssociated, TOKEN_PROGRAM } from "./tokens.ts";

/** Adds stake to a node. */
export function addStake(
  node: Address,
  stakeMint: Address,
  amount: bigint,
  own: boolean,
  write: (value: bigint) => string,
): Plan {
  return {
    title: "Add stake",
    action: "Sign and stake",
    done: "The stake is added",
    effects: [
      { kind: "out", text: `${write(amount)} move from your account into the stake vault.` },
      own
        ? { kind: "wait", text: "You get it back by a withdrawal, after the unbonding time." }
        : {
            kind: "lock",
            text: "This node is not yours: only its withdraw authority can take stake out again. It becomes a gift.",
          },
      { kind: "lock", text: "A proven fault of the node takes the bond of the job and a part of the stake." },
    ],
    build: async (signer) => [
      getStakeInstruction({
        funder: createNoopSigner(signer),
        node,
        stakeMint,
        source: await associatedAccount(signer, { mint: stakeMint, tokenProgram: TOKEN_PROGRAM }),
        amount,
      }),
    ],
  };
}

/** Registers a node. */
export function registerNode(index: number, operator: Address, endpoint: string): Plan {
  return {
    title: "Register a node",
    action: "Sign and register",
    done: "The node is registered",
    effects: [
      {
        kind: "note",
        text: "The account that signs becomes the withdraw authority: it owns the stake and the earnings for good.",
      },
      {
        kind: "note",
        text: "The operator's key claims jobs and signs results. It can never move stake, but its lies cost stake.",
      },
      { kind: "out", text: "The rent of the node's account, which returns when the node is deregistered." },
    ],
    build: async (signer) => [
      getRegisterNodeInstruction({
        withdrawAuthority: createNoopSigner(signer),
        node: await nodeAddress(signer, index),
        index,
        operator,
        endpoint,
      }),
    ],
  };
}

/** Begins a withdrawal. */
export function requestWithdrawal(
  node: Address,
  amount: bigint,
  unbondingSlots: bigint,
  slotMs: number,
  write: (value: bigint) => string,
): Plan {
  return {
    title: "Begin a withdrawal",
    action: "Sign and begin",
    done: "The withdrawal has begun",
    effects: [
      {
        kind: "wait",
        text: `${write(amount)} leave the active stake now and are released in about ${formatSlots(unbondingSlots, slotMs)}, or later if a dispute may still reach the stake.`,
      },
      { kind: "lock", text: "Until then a proven fault can still take a part of it." },
      { kind: "note", text: "It can be cancelled at any time before it is withdrawn." },
    ],
    build: async (signer) => [
      getRequestWithdrawalInstruction({ withdrawAuthority: createNoopSigner(signer), node, amount }),
    ],
  };
}

/** Puts a withdrawal back into the stake. */
export function cancelWithdrawal(node: Address, index: number, amount: bigint, write: (value: bigint) => string): Plan {
  return {
    title: "Cancel the withdrawal",
    action: "Sign and cancel it",
    done: "The withdrawal is cancelled",
    effects: [{ kind: "in", text: `${write(amount)} are active stake again at once.` }],
    build: async (signer) => [
      getCancelWithdrawalInstruction({ withdrawAuthority: createNoopSigner(signer), node, index }),
    ],
  };
}

/** Takes out what is released. */
export function withdrawStake(
  { address, data }: Row<"node">,
  stakeMint: Address,
  now: bigint,
  write: (value: bigint) => string,
): Plan {
  const released = data.unbonding.reduce(
    (sum, { amount, releaseSlot }) => (releaseSlot <= now ? sum + amount : sum),
    0n,
  );
  const left = unbondingTotal(data) - released;
  return {
    title: "Take out what is released",
    action: "Sign and withdraw",
    done: "The stake is withdrawn",
    effects: [
      { kind: "in", text: `${write(released)} go to your token account.` },
      ...(left === 0n ? [] : [{ kind: "wait" as const, text: `${write(left)} go on unbonding.` }]),
    ],
    build: async (signer) => {
      const token = { mint: stakeMint, tokenProgram: TOKEN_PROGRAM };
      return [
        await createAssociated(token, signer, signer),
        getWithdrawStakeInstruction({
          withdrawAuthority: createNoopSigner(signer),
          node: address,
          stakeMint,
          destination: await associatedAccount(signer, token),
        }),
      ];
    },
  };
}
