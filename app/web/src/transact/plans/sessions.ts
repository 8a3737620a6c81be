/** What can be done with a session. */
import {
  associatedAccount,
  CreditRole,
  clientAddress,
  getCancelSessionInstruction,
  getEndSessionInstruction,
  getExpireSessionInstruction,
  getFinaliseSessionInstruction,
  getOpenSessionInstructionAsync,
  getWithdrawSessionCreditInstruction,
  type PaymentMint,
  paymentMintAddress,
  SessionState,
  sessionAddress,
  type TokenMint,
  vaultAddress,
} from "@assay/client";
import { type Address, createNoopSigner } from "@solana/kit";
import type { Row } from "../../data/kinds.ts";
import type { SessionModel } from "../../data/work.ts";
import { shortAddress } from "../../model/keys.ts";
import type { SessionOffer } from "../../model/session-offer.ts";
import { balanceLeft } from "../../model/session-view.ts";
import type { Plan } from "../plan.ts";
import { createAssociated } from "./tokens.ts";

/** Offers a session to a node and escrows its balance. */
export function openSession(
  model: SessionModel,
  offer: SessionOffer,
  mint: PaymentMint,
  sessionId: bigint,
  write: { payment(value: bigint): string; stake(value: bigint): string },
): Plan {
  const { node, voucherKey, ...terms } = offer;
  return {
    title: "Open the session",
    action: "Sign and open it",
    done: "The session is offered",
    effects: [
      {
        kind: "out",
        text: `${write.payment(offer.balance)} go into escrow. It is the most that the session can cost.`,
      },
      {
        kind: "wait",
        text: `Node ${shortAddress(node)} has ${offer.acceptSlots} slots to load the model, lock a bond of ${write.stake(offer.bond)} and accept.`,
      },
      { kind: "in", text: "What no voucher spends returns when the window after the end is over." },
      {
        kind: "lock",
        text: `${voucherKey === null ? "Your own key" : `The key ${shortAddress(voucherKey)}`} signs vouchers: it can spend the balance on this session, and nothing else.`,
      },
      {
        kind: "out",
        text: "The fee of the chain and the rent of the session's accounts. The rent returns when the session is closed, but for that of the client's counter, which is made with its first job or session.",
      },
      { kind: "note", text: "You can take it back until the node accepts." },
    ],
    build: async (signer) => {
      const session = await sessionAddress(signer, sessionId);
      return [
        await getOpenSessionInstructionAsync({
          ...model,
          ...terms,
          client: createNoopSigner(signer),
          node,
          voucherKey: voucherKey ?? signer,
          sessionId,
          session,
          vault: await vaultAddress(session),
          clientAccount: await clientAddress(signer),
          paymentMint: await paymentMintAddress(mint.mint),
          mint: mint.mint,
          source: await associatedAccount(signer, mint),
          tokenProgram: mint.tokenProgram,
        }),
      ];
    },
  };
}

/** Everything that `signer` can do with the session now. */
export function sessionPlans(
  row: Row<"session">,
  signer: Address | undefined,
  token: TokenMint | undefined,
  now: bigint,
  write: (value: bigint) => string,
): readonly Plan[] {
  const { data } = row;
  const plans: Plan[] = [];
  const client = signer !== undefined && signer === data.client;
  const node = signer !== undefined && (signer === data.operator || signer === data.payee);
  if (client && data.state === SessionState.Offered) plans.push(cancel(row, write));
  if ((client || node) && data.state === SessionState.Active && now <= data.endsSlot)
    plans.push(endSession(row, write));
  if (signer !== undefined) plans.push(...overdue(row, now));
  if (client && data.credits.client > 0n && token !== undefined) plans.push(withdraw(row, token, write));
  return plans;
}

function cancel({ address, data }: Row<"session">, write: (value: bigint) => string): Plan {
  return {
    title: "Take the session back",
    action: "Sign and take it back",
    done: "The session is cancelled",
    effects: [{ kind: "in", text: `${write(data.balance)} are owed to you from then on.` }],
    build: async (signer) => [getCancelSessionInstruction({ client: createNoopSigner(signer), session: address })],
  };
}

function endSession({ address, data }: Row<"session">, write: (value: bigint) => string): Plan {
  return {
    title: "End the session",
    action: "Sign and end it",
    done: "The session is ending",
    effects: [
      {
        kind: "wait",
        text: `The node answers no more. For ${data.windowSlots} slots vouchers and receipts still count.`,
      },
      {
        kind: "in",
        text: `Then what no voucher claims returns: ${write(balanceLeft(data))} by the vouchers on record.`,
      },
    ],
    build: async (signer) => [getEndSessionInstruction({ party: createNoopSigner(signer), session: address })],
  };
}

function overdue({ address, data }: Row<"session">, now: bigint): readonly Plan[] {
  const anybody = {
    kind: "note",
    text: "Anybody may do this; it costs the fee of a transaction and moves nothing of yours.",
  } as const;
  if (data.state === SessionState.Offered && now > data.offeredSlot + data.acceptSlots) {
    return [
      {
        title: "End the session that was not accepted",
        action: "Sign and end it",
        done: "The session has expired",
        effects: [{ kind: "in", text: "The client is owed everything back." }, anybody],
        build: async () => [getExpireSessionInstruction({ session: address })],
      },
    ];
  }
  const settles =
    data.state === SessionState.Active && now > data.endsSlot + data.windowSlots && data.openReceipts === 0;
  if (!settles) return [];
  return [
    {
      title: "Settle the session",
      action: "Sign and settle",
      done: "The session is settled",
      effects: [
        { kind: "out", text: "The node is owed what the greatest voucher says, the client the rest." },
        anybody,
      ],
      build: async () => [getFinaliseSessionInstruction({ node: data.node, session: address })],
    },
  ];
}

function withdraw({ address, data }: Row<"session">, token: TokenMint, write: (value: bigint) => string): Plan {
  return {
    title: "Take out what is yours",
    action: "Sign and withdraw",
    done: "It is withdrawn",
    effects: [{ kind: "in", text: `${write(data.credits.client)} go to your token account.` }],
    build: async (signer) => [
      await createAssociated(token, data.client, signer),
      getWithdrawSessionCreditInstruction({
        authority: createNoopSigner(signer),
        session: address,
        vault: data.vault,
        mint: token.mint,
        destination: await associatedAccount(data.client, token),
        tokenProgram: token.tokenProgram,
        role: CreditRole.Client,
        associatedBump: null,
      }),
    ],
  };
}
