/** What a client offers for a session: from what was typed to its terms, with every way in which it can end. */
import { minimumBond, type Network, type PaymentMint } from "@assay/client";
import type { Address } from "@solana/kit";
import { DraftReader, type FaultsOf } from "./draft-reader.ts";

/** What was typed. */
export interface SessionDraft {
  readonly node: string;
  readonly price: string;
  readonly balance: string;
  readonly acceptSlots: string;
  readonly sessionSlots: string;
  readonly windowSlots: string;
  /** The key that signs vouchers; none: the client's own. */
  readonly voucherKey: string;
}

/** What is wrong, by field. */
export type SessionFaults = FaultsOf<SessionDraft>;

/** An offer that the program would take. Prices are base units of the payment mint, the bond of the stake mint. */
export interface SessionOffer {
  readonly node: Address;
  readonly price: bigint;
  readonly balance: bigint;
  readonly acceptSlots: bigint;
  readonly sessionSlots: bigint;
  readonly windowSlots: bigint;
  readonly bond: bigint;
  /** `null`: the key of the client. */
  readonly voucherKey: Address | null;
}

/** A draft to begin with: five minutes to accept, half an hour of serving, the shortest window. */
export function firstSessionDraft({ parameters }: Pick<Network, "parameters">, node: string): SessionDraft {
  const least = (wished: bigint, most: bigint) => (wished < most ? wished : most).toString();
  return {
    node,
    price: "",
    balance: "",
    acceptSlots: least(750n, parameters.maximumClaimSlots),
    sessionSlots: least(4_500n, parameters.maximumRunSlots),
    windowSlots: parameters.minimumWindowSlots.toString(),
    voucherKey: "",
  };
}

/** The offer, or everything that is wrong with the draft. */
export function readSessionOffer(
  draft: SessionDraft,
  { parameters }: Pick<Network, "parameters">,
  mint: PaymentMint,
): { offer: SessionOffer } | { faults: SessionFaults } {
  const reader = new DraftReader(draft);
  const node = reader.address("node");
  const price = reader.amount("price", mint.decimals);
  const balance = reader.amount("balance", mint.decimals);
  const acceptSlots = reader.slots("acceptSlots", 1n, parameters.maximumClaimSlots);
  const sessionSlots = reader.slots("sessionSlots", 1n, parameters.maximumRunSlots);
  const windowSlots = reader.slots("windowSlots", parameters.minimumWindowSlots, parameters.maximumWindowSlots);
  const voucherKey = reader.address("voucherKey");
  reader.rule("node", node === null, "Choose the node that serves.");
  reader.rule("price", price === 0n, "A request has to cost something.");
  reader.rule("balance", price > balance, "The balance has to pay for one request at least.");
  if (reader.hasFaults || node === null) return { faults: reader.faults };
  const bond = minimumBond(balance, mint, parameters.minimumBondBps);
  return { offer: { node, price, balance, acceptSlots, sessionSlots, windowSlots, bond, voucherKey } };
}

/** One way in which a session can end. */
export interface SessionEnding {
  readonly key: "settled" | "ended" | "silent" | "cancelled" | "expired" | "convicted";
  readonly title: string;
  readonly sentence: string;
  /** Comes back, in base units of the payment mint: at least and at most. */
  readonly back: readonly [bigint, bigint];
  /** The most slots from the offer until it is decided, without disputes. */
  readonly slots: bigint;
  readonly isDisputable: boolean;
}

/** All endings of a session with these terms, the good one first. */
export function sessionEndings(offer: SessionOffer): readonly SessionEnding[] {
  const { balance, acceptSlots, sessionSlots, windowSlots } = offer;
  const longest = acceptSlots + sessionSlots + windowSlots;
  const unspent: readonly [bigint, bigint] = [0n, balance];
  const whole: readonly [bigint, bigint] = [balance, balance];
  return [
    {
      key: "settled",
      title: "It serves to its end",
      sentence:
        "You pay what your greatest voucher says: the price of what you asked for. The rest returns after the window.",
      back: unspent,
      slots: longest,
      isDisputable: true,
    },
    {
      key: "ended",
      title: "You or the node end it early",
      sentence:
        "Either may at any time. Vouchers and receipts count for one window more; then what no voucher spends returns.",
      back: unspent,
      slots: longest,
      isDisputable: true,
    },
    {
      key: "silent",
      title: "The node stops answering",
      sentence:
        "A voucher is signed for each request, so at most the price of the one that was not answered is lost. End the session, and the rest returns.",
      back: unspent,
      slots: longest,
      isDisputable: true,
    },
    {
      key: "cancelled",
      title: "You change your mind",
      sentence: "Before the node accepts, you can take the session back at any time.",
      back: whole,
      slots: acceptSlots,
      isDisputable: false,
    },
    {
      key: "expired",
      title: "The node does not accept",
      sentence: "When its time to accept is over, anybody can have everything returned to you.",
      back: whole,
      slots: acceptSlots,
      isDisputable: false,
    },
    {
      key: "convicted",
      title: "An answer is proved wrong",
      sentence:
        "You have the whole balance back, whatever was paid for right answers. The node loses its bond and a part of its stake.",
      back: whole,
      slots: longest + windowSlots,
      isDisputable: true,
    },
  ];
}

/** Requests that the balance pays for. */
export function requestsOf({ balance, price }: Pick<SessionOffer, "balance" | "price">): bigint {
  return price === 0n ? 0n : balance / price;
}

/** Bytes of a session's account whose addresses of artifacts are empty. */
export const SESSION_BYTES = 467;
