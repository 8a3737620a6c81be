/** What can be done with stake that is delegated to a node. */
import {
  associatedAccount,
  delegationAddress,
  delegationPoolAddress,
  delegationRewardInstructions,
  delegationRewardsAddress,
  getDelegateInstruction,
  getSettleDelegationSlashInstruction,
  getUndelegateInstruction,
  getWithdrawDelegationInstruction,
  getWithdrawDelegationRewardInstruction,
  type TokenMint,
} from "@assay/client";
import { type Address, createNoopSigner, type Instruction } from "@solana/kit";
import type { Row } from "../../data/kinds.ts";
import { slashWaits } from "../../model/delegation-view.ts";
import { formatSlots } from "../../model/time.ts";
import type { Plan } from "../plan.ts";
import { createAssociated, TOKEN_PROGRAM } from "./tokens.ts";

type Write = (value: bigint) => string;

/** A node with its pool. */
export interface NodePool {
  readonly node: Row<"node">;
  readonly pool: Row<"delegationPool">;
}

const addresses = async (node: Address, owner: Address) => {
  const pool = await delegationPoolAddress(node);
  return { node, pool, delegation: await delegationAddress(pool, owner) };
};

/** What lets a slash of the node reach its pool, if one waits. */
function settleSlash({ node, pool }: NodePool, stakeMint: Address): readonly Instruction[] {
  if (!slashWaits(pool.data, node.data)) return [];
  return [getSettleDelegationSlashInstruction({ node: node.address, pool: pool.address, stakeMint })];
}

/** Lends stake to a node. */
export function delegateStake(
  at: NodePool,
  stakeMint: Address,
  amount: bigint,
  unbondingSlots: bigint,
  slotMs: number,
  write: Write,
): Plan {
  return {
    title: "Delegate stake",
    action: "Sign and delegate",
    done: "The stake is delegated",
    effects: [
      { kind: "out", text: `${write(amount)} move from your account into the stake vault.` },
      { kind: "in", text: "You earn a share of the price of jobs that the node claims from now on." },
      { kind: "lock", text: "A proven fault of the node takes the same part of your stake as of its own." },
      {
        kind: "wait",
        text: `You can always ask for it back; it is released about ${formatSlots(unbondingSlots, slotMs)} later, or when no dispute can reach it any more.`,
      },
      { kind: "note", text: "The rent of your delegation's account, unless you have one to this node." },
    ],
    build: async (signer) => [
      ...settleSlash(at, stakeMint),
      getDelegateInstruction({
        ...(await addresses(at.node.address, signer)),
        owner: createNoopSigner(signer),
        stakeMint,
        source: await associatedAccount(signer, { mint: stakeMint, tokenProgram: TOKEN_PROGRAM }),
        amount,
      }),
    ],
  };
}

/** Asks for delegated stake back. */
export function undelegateStake(
  at: NodePool,
  stakeMint: Address,
  shares: bigint,
  amount: bigint,
  unbondingSlots: bigint,
  slotMs: number,
  write: Write,
): Plan {
  return {
    title: "Ask for delegated stake back",
    action: "Sign and ask for it",
    done: "The stake is unbonding",
    effects: [
      {
        kind: "wait",
        text: `About ${write(amount)} stop working now and are released in about ${formatSlots(unbondingSlots, slotMs)}, or later if a dispute may still reach them. What unbonds already waits as long.`,
      },
      {
        kind: "lock",
        text: "Until you take it out, it earns nothing, and a proven fault can still take a part of it.",
      },
      { kind: "note", text: "What you have earned so far stays yours." },
    ],
    build: async (signer) => [
      ...settleSlash(at, stakeMint),
      getUndelegateInstruction({
        ...(await addresses(at.node.address, signer)),
        owner: createNoopSigner(signer),
        shares,
      }),
    ],
  };
}

/** Takes out what is released. */
export function withdrawDelegated(at: NodePool, stakeMint: Address, amount: bigint, write: Write): Plan {
  return {
    title: "Take out delegated stake",
    action: "Sign and withdraw",
    done: "The stake is withdrawn",
    effects: [{ kind: "in", text: `${write(amount)} go to your token account.` }],
    build: async (signer) => {
      const token = { mint: stakeMint, tokenProgram: TOKEN_PROGRAM };
      return [
        ...settleSlash(at, stakeMint),
        await createAssociated(token, signer, signer),
        getWithdrawDelegationInstruction({
          ...(await addresses(at.node.address, signer)),
          authority: createNoopSigner(signer),
          stakeMint,
          destination: await associatedAccount(signer, token),
        }),
      ];
    },
  };
}

/** Takes out what a delegation has earned in a mint. */
export function claimRewards(node: Address, token: TokenMint, amount: bigint, write: Write): Plan {
  return {
    title: "Claim what you have earned",
    action: "Sign and claim",
    done: "The reward is yours",
    effects: [
      { kind: "in", text: `${write(amount)} go to your token account.` },
      { kind: "note", text: "What works goes on working." },
    ],
    build: async (signer) => {
      const { pool, delegation } = await addresses(node, signer);
      return [
        await createAssociated(token, signer, signer),
        getWithdrawDelegationRewardInstruction({
          authority: createNoopSigner(signer),
          pool,
          delegation,
          mint: token.mint,
          rewardVault: await delegationRewardsAddress(pool, token.mint),
          destination: await associatedAccount(signer, token),
          tokenProgram: token.tokenProgram,
        }),
      ];
    },
  };
}

/** Moves what one job owes to the delegators of its node into their pool. */
export function collectRewards(
  pool: Row<"delegationPool">,
  { address, data }: Row<"job">,
  token: TokenMint,
  write: Write,
): Plan {
  return {
    title: "Collect a job's share",
    action: "Sign and collect",
    done: "The share is in the pool",
    effects: [
      { kind: "note", text: `${write(data.credits.delegators)} move from the job into the pool of all delegators.` },
      { kind: "note", text: "Anybody may do this. Your part of it can be claimed afterwards." },
    ],
    build: (signer) => delegationRewardInstructions(createNoopSigner(signer), address, data, pool.data, token),
  };
}
