/** Failures as sentences: what was wrong, and what to do about it. */
import {
  isSolanaError,
  SOLANA_ERROR__BLOCK_HEIGHT_EXCEEDED,
  SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM,
  SOLANA_ERROR__RPC__TRANSPORT_HTTP_ERROR,
  SOLANA_ERROR__TRANSACTION_ERROR__ACCOUNT_NOT_FOUND,
  SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED,
  SOLANA_ERROR__TRANSACTION_ERROR__BLOCKHASH_NOT_FOUND,
  SOLANA_ERROR__TRANSACTION_ERROR__INSUFFICIENT_FUNDS_FOR_FEE,
  SOLANA_ERROR__TRANSACTION_ERROR__INSUFFICIENT_FUNDS_FOR_RENT,
  type SolanaErrorCode,
} from "@solana/kit";
import { ClientFailure } from "./failure.js";
import { REFUSALS, type Refusal } from "./generated/refusals.js";

/** A failure for people. */
export interface Explanation extends Refusal {
  /** A stable code: `P` and the program's number, this package's own, `C` and the number of a chain's error, or `X`. */
  readonly code: string;
}

/** What a code of the program means; none where the program has no such code. */
export function explainRefusal(code: number): Explanation | null {
  const refusal = REFUSALS[code];
  return refusal === undefined ? null : { code: `P${code}`, ...refusal };
}

/** What any failure means: of the program, of this package, or of the chain. */
export function explainFailure(failure: unknown): Explanation {
  for (const cause of causesOf(failure)) {
    const explanation = explainOne(cause);
    if (explanation !== null) return explanation;
  }
  const problem = failure instanceof Error ? failure.message : String(failure);
  return { code: "X", name: "Unknown", problem, remedy: "Try again; if it stays, report it with this text." };
}

/** The failure, what caused it, what caused that, and so on. */
function* causesOf(failure: unknown): Generator<unknown> {
  const seen = new Set<unknown>();
  for (let cause = failure; cause !== undefined && cause !== null && !seen.has(cause); ) {
    seen.add(cause);
    yield cause;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
}

function explainOne(cause: unknown): Explanation | null {
  if (cause instanceof ClientFailure) {
    const [, problem = cause.message] = /^T\d{4} (.*); /s.exec(cause.message) ?? [];
    return { code: cause.code, name: cause.name, problem, remedy: cause.remedy };
  }
  if (isSolanaError(cause, SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM)) return explainCustom(cause.context.code);
  if (!isSolanaError(cause)) return null;
  const known = CHAIN_FAILURES.get(cause.context.__code);
  return known === undefined ? null : { code: `C${cause.context.__code}`, ...known };
}

/** Numbers below 100 are those of the token and the system program, some thousand are Anchor's, from 6,000 on the program's. */
function explainCustom(code: number): Explanation | null {
  if (code === INSUFFICIENT_FUNDS) {
    const problem = "There are too few tokens, or too few lamports, for this.";
    return { code: `C${code}`, name: "InsufficientFunds", problem, remedy: "Fund the paying account, or take less." };
  }
  const framework =
    code >= 100 && code < 6_000 ? ANCHOR_FAILURES.find(({ from, to }) => code >= from && code <= to) : null;
  return explainRefusal(code) ?? (framework ? { code: `P${code}`, ...framework.refusal } : null);
}

/** `InsufficientFunds` of the token programs, and `ResultWithNegativeLamports` of the system program. */
const INSUFFICIENT_FUNDS = 1;

const ANCHOR_FAILURES: readonly { readonly from: number; readonly to: number; readonly refusal: Refusal }[] = [
  {
    from: 3012,
    to: 3012,
    refusal: {
      name: "AccountNotInitialized",
      problem: "An account that is needed does not exist, or no longer.",
      remedy: "Create it first, or look whether it was closed.",
    },
  },
  {
    from: 100,
    to: 5_999,
    refusal: {
      name: "AccountsRefused",
      problem: "The program was given other accounts or data than it expects.",
      remedy: "Use a client that was generated from this program's interface description.",
    },
  },
];

const CHAIN_FAILURES: ReadonlyMap<SolanaErrorCode, Refusal> = new Map([
  [
    SOLANA_ERROR__BLOCK_HEIGHT_EXCEEDED,
    {
      name: "BlockHeightExceeded",
      problem: "The transaction did not land before it became invalid.",
      remedy: "Look whether it took effect, then send it again.",
    },
  ],
  [
    SOLANA_ERROR__TRANSACTION_ERROR__BLOCKHASH_NOT_FOUND,
    {
      name: "BlockhashNotFound",
      problem: "The transaction is too old, or made for another chain.",
      remedy: "Send it again; look whether wallet and page use the same cluster.",
    },
  ],
  [
    SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED,
    {
      name: "AlreadyProcessed",
      problem: "This very transaction has landed already.",
      remedy: "Look at its effect; nothing is to be sent again.",
    },
  ],
  [
    SOLANA_ERROR__TRANSACTION_ERROR__ACCOUNT_NOT_FOUND,
    {
      name: "FeePayerNotFound",
      problem: "The account that pays the fee holds no lamports.",
      remedy: "Send lamports to it first.",
    },
  ],
  [
    SOLANA_ERROR__TRANSACTION_ERROR__INSUFFICIENT_FUNDS_FOR_FEE,
    {
      name: "InsufficientFundsForFee",
      problem: "The account that pays the fee holds too few lamports.",
      remedy: "Send lamports to it first.",
    },
  ],
  [
    SOLANA_ERROR__TRANSACTION_ERROR__INSUFFICIENT_FUNDS_FOR_RENT,
    {
      name: "InsufficientFundsForRent",
      problem: "An account would be left with fewer lamports than its rent.",
      remedy: "Send lamports to the paying account first.",
    },
  ],
  [
    SOLANA_ERROR__RPC__TRANSPORT_HTTP_ERROR,
    {
      name: "EndpointFailed",
      problem: "The endpoint answered with a failure.",
      remedy: "Try again, or use another RPC endpoint.",
    },
  ],
]);
