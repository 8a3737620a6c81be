/** Sessions in words and figures. */
import { type Session, SessionState } from "@assay/client/generated";
import type { Tone } from "./job-state.ts";

/** A state in words. */
export interface SessionWords {
  readonly name: string;
  readonly tone: Tone;
  readonly sentence: string;
}

const WORDS: Readonly<Record<SessionState, SessionWords>> = {
  [SessionState.Offered]: {
    name: "Offered",
    tone: "gold",
    sentence: "The balance is in escrow; the node has not accepted yet.",
  },
  [SessionState.Active]: {
    name: "Active",
    tone: "busy",
    sentence: "The node keeps the model warm and answers requests; vouchers pay for them.",
  },
  [SessionState.Settled]: {
    name: "Settled",
    tone: "good",
    sentence: "The last voucher was settled and the bond unlocked.",
  },
  [SessionState.Cancelled]: {
    name: "Cancelled",
    tone: "idle",
    sentence: "The client took it back before the node accepted.",
  },
  [SessionState.Expired]: {
    name: "Expired",
    tone: "idle",
    sentence: "The node did not accept in time; the client has everything back.",
  },
  [SessionState.Convicted]: {
    name: "Convicted",
    tone: "bad",
    sentence: "An answer was proved wrong: the client has the whole balance back, whatever was paid for right answers.",
  },
};

/** A session's state in words. An active one whose serving is over has a name of its own. */
export function sessionWords(session: Session, now: bigint): SessionWords {
  if (session.state === SessionState.Active && now > session.endsSlot) {
    return {
      name: "In window",
      tone: "held",
      sentence: "Serving is over; vouchers and receipts still count until its window closes.",
    };
  }
  return WORDS[session.state];
}

/** Requests that the vouchers on record paid for. */
export function paidRequests(session: Session): bigint {
  return session.price === 0n ? 0n : session.paid / session.price;
}

/** What the vouchers on record leave of the balance. */
export function balanceLeft(session: Session): bigint {
  return session.balance - session.paid;
}

/** The last slot of what is awaited, and what happens then. */
export function sessionDeadline(
  session: Session,
  now: bigint,
): { readonly last: bigint; readonly afterwards: string } | undefined {
  if (session.state === SessionState.Offered) {
    return {
      last: session.offeredSlot + session.acceptSlots,
      afterwards: "expires, and the client has everything back",
    };
  }
  if (session.state !== SessionState.Active) return undefined;
  if (now <= session.endsSlot) return { last: session.endsSlot, afterwards: "serves no more" };
  return { last: session.endsSlot + session.windowSlots, afterwards: "settles, unless a receipt is open" };
}
