/** What a node's owner can do with the pool of what is delegated to it, and what anybody can with an empty delegation. */
import {
  commissionAt,
  delegationAddress,
  delegationPoolAddress,
  getCloseDelegationInstruction,
  getCloseDelegationPoolInstruction,
  getOpenDelegationPoolInstructionAsync,
  getSetCommissionInstruction,
} from "@assay/client";
import { type Address, createNoopSigner } from "@solana/kit";
import type { Row } from "../../data/kinds.ts";
import { formatBasisPoints } from "../../model/amounts.ts";
import { formatSlots } from "../../model/time.ts";
import type { Plan } from "../plan.ts";

/** Lets others delegate to the node. */
export function openPool(node: Address, commissionBps: number): Plan {
  return {
    title: "Take delegations",
    action: "Sign and open the pool",
    done: "The pool is open",
    effects: [
      {
        kind: "in",
        text: `Delegated stake raises how often the node is drawn. Of its delegators' share you keep ${formatBasisPoints(commissionBps)}.`,
      },
      {
        kind: "lock",
        text: "A proven fault of the node takes the same part of what is delegated as of your own stake.",
      },
      { kind: "out", text: "The rent of the pool's account, which returns when you close the pool." },
      { kind: "note", text: "Bonds, places and the minimum stake are your own stake's alone." },
    ],
    build: async (signer) => [
      await getOpenDelegationPoolInstructionAsync({ withdrawAuthority: createNoopSigner(signer), node, commissionBps }),
    ],
  };
}

/** Decides what the node keeps of its delegators' share. */
export function setCommission(
  { address, data }: Row<"node">,
  commissionBps: number,
  slot: bigint,
  unbondingSlots: bigint,
  slotMs: number,
): Plan {
  const present = commissionAt(data.delegation.commission, slot);
  const rises = commissionBps > present;
  return {
    title: "Set the commission",
    action: "Sign and set it",
    done: rises ? "The raise is announced" : "The commission is set",
    effects: [
      rises
        ? {
            kind: "wait",
            text: `It rises from ${formatBasisPoints(present)} to ${formatBasisPoints(commissionBps)} in about ${formatSlots(unbondingSlots, slotMs)}: whoever does not like it can leave before.`,
          }
        : {
            kind: "out",
            text: `It goes from ${formatBasisPoints(present)} to ${formatBasisPoints(commissionBps)} at once.`,
          },
      { kind: "note", text: "Jobs that are claimed already keep the share that they began with." },
    ],
    build: async (signer) => [
      getSetCommissionInstruction({ withdrawAuthority: createNoopSigner(signer), node: address, commissionBps }),
    ],
  };
}

/** Why a pool cannot be closed yet, as a sentence; `undefined` where it can. */
export function poolFault({ data }: Row<"delegationPool">, nobody: Address): string | undefined {
  if (data.delegations > 0) return "Somebody still has a delegation in it.";
  if (data.rewards.some(({ mint }) => mint !== nobody)) {
    return "It still shares rewards in a token; assay node delegation close takes those out first.";
  }
  return undefined;
}

/** Ends delegation to the node. */
export function closePool(node: Address): Plan {
  return {
    title: "Close the pool",
    action: "Sign and close it",
    done: "The pool is closed",
    effects: [
      { kind: "in", text: "The rent of the pool's account returns to you." },
      { kind: "note", text: "What jobs still owe to delegators becomes the node's own when it is collected." },
    ],
    build: async (signer) => [
      getCloseDelegationPoolInstruction({
        withdrawAuthority: createNoopSigner(signer),
        node,
        pool: await delegationPoolAddress(node),
      }),
    ],
  };
}

/** Removes a delegation of which nothing is left. */
export function closeDelegation(node: Address, owner: Address): Plan {
  return {
    title: "Close the empty delegation",
    action: "Sign and close it",
    done: "It is closed",
    effects: [{ kind: "in", text: "The rent of its account returns to its owner." }],
    build: async () => {
      const pool = await delegationPoolAddress(node);
      return [getCloseDelegationInstruction({ owner, pool, delegation: await delegationAddress(pool, owner) })];
    },
  };
}
