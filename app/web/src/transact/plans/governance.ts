/** What the authority, the guardian and everybody can do about changes. */
import {
  type ChangeArgs,
  feeVaultAddress,
  getExecuteFeeWithdrawalInstruction,
  getExecuteMintAllowanceInstruction,
  getExecuteMintChangeInstruction,
  getExecuteNetworkChangeInstruction,
  getPauseNewWorkInstruction,
  getProposeChangeInstruction,
  getVetoProposalInstruction,
  getWithdrawProposalInstruction,
  type PaymentMint,
  paymentMintAddress,
  proposalAddress,
} from "@assay/client";
import { type Address, createNoopSigner, type Instruction } from "@solana/kit";
import type { Row } from "../../data/kinds.ts";
import { formatSlots } from "../../model/time.ts";
import type { Plan } from "../plan.ts";
import { TOKEN_PROGRAM } from "./tokens.ts";

/** Puts a change into the queue. */
export function propose(change: ChangeArgs, number: bigint, timelockSlots: bigint, slotMs: number): Plan {
  return {
    title: "Propose the change",
    action: "Sign and propose",
    done: "The change is proposed",
    effects: [
      {
        kind: "wait",
        text: `It waits for ${formatSlots(timelockSlots, slotMs)}, where everybody sees it. Then anybody can carry it out, for seven days.`,
      },
      { kind: "note", text: "The guardian can veto it until then, unless it replaces the guardian." },
      { kind: "note", text: "Jobs that exist keep the terms that they were posted with." },
    ],
    build: async (signer) => [
      getProposeChangeInstruction({
        authority: createNoopSigner(signer),
        proposal: await proposalAddress(number),
        change,
      }),
    ],
  };
}

/** Carries a change out whose time has come. */
export function execute({ address, data }: Row<"proposal">, mints: readonly PaymentMint[]): Plan {
  return {
    title: "Carry the change out",
    action: "Sign and carry it out",
    done: "The change is carried out",
    effects: [
      { kind: "note", text: "It takes effect at once, and only for what is posted from then on." },
      { kind: "in", text: "The rent of the proposal returns to who proposed it." },
    ],
    build: async (signer) => [await executeInstruction(address, data, mints, signer)],
  };
}

async function executeInstruction(
  proposal: Address,
  { change, proposer }: Row<"proposal">["data"],
  mints: readonly PaymentMint[],
  signer: Address,
): Promise<Instruction> {
  if (!("mint" in change)) return getExecuteNetworkChangeInstruction({ proposal, proposer });
  const { mint } = change;
  const paymentMint = await paymentMintAddress(mint);
  const tokenProgram = mints.find((known) => known.mint === mint)?.tokenProgram ?? TOKEN_PROGRAM;
  const feeVault = await feeVaultAddress(mint);
  switch (change.__kind) {
    case "AllowPaymentMint":
      return getExecuteMintAllowanceInstruction({
        payer: createNoopSigner(signer),
        proposal,
        proposer,
        mint,
        paymentMint,
        feeVault,
        tokenProgram,
      });
    case "SetPaymentMint":
      return getExecuteMintChangeInstruction({ proposal, proposer, paymentMint });
    case "WithdrawFees":
      return getExecuteFeeWithdrawalInstruction({
        proposal,
        proposer,
        paymentMint,
        mint,
        feeVault,
        destination: change.destination,
        tokenProgram,
      });
  }
}

/** The guardian's no. */
export function veto({ address, data }: Row<"proposal">): Plan {
  return {
    title: "Veto the change",
    action: "Sign the veto",
    done: "The change is vetoed",
    effects: [
      { kind: "note", text: "The proposal is gone for good. The authority can propose it again." },
      { kind: "in", text: "Its rent returns to who proposed it." },
    ],
    build: async (signer) => [
      getVetoProposalInstruction({ guardian: createNoopSigner(signer), proposal: address, proposer: data.proposer }),
    ],
  };
}

/** The authority takes its own proposal back. */
export function withdrawProposal({ address, data }: Row<"proposal">): Plan {
  return {
    title: "Take the proposal back",
    action: "Sign and take it back",
    done: "The proposal is withdrawn",
    effects: [{ kind: "in", text: "It is gone, and its rent returns to who proposed it." }],
    build: async (signer) => [
      getWithdrawProposalInstruction({
        authority: createNoopSigner(signer),
        proposal: address,
        proposer: data.proposer,
      }),
    ],
  };
}

/** The guardian's not yet. */
export function pause(slots: bigint, slotMs: number): Plan {
  return {
    title: "Pause new work",
    action: "Sign and pause",
    done: "New work is paused",
    effects: [
      {
        kind: "wait",
        text: `For ${formatSlots(slots, slotMs)} no job is posted and none is claimed. It ends by itself.`,
      },
      { kind: "note", text: "Settlements, refunds, disputes and withdrawals go on." },
      { kind: "lock", text: "The next pause has to wait for as long again, and for an hour at least." },
    ],
    build: async (signer) => [getPauseNewWorkInstruction({ guardian: createNoopSigner(signer), slots })],
  };
}
