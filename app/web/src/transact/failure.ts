/** What a failed transaction says, as a sentence for people. */
import { programErrorText } from "./program-errors.ts";

const TRANSACTION_ERRORS: Readonly<Record<string, string>> = {
  AccountNotFound: "The account that pays does not exist yet: it needs some SOL first.",
  InsufficientFundsForFee: "The account that pays has too little SOL for the fee.",
  InsufficientFundsForRent: "The account that pays has too little SOL for the rent of the new accounts.",
  BlockhashNotFound: "The transaction became too old before it was sent. Nothing happened; try again.",
  AlreadyProcessed: "This transaction was sent before and has landed.",
};

const TOKEN_ERRORS: Readonly<Record<number, string>> = {
  1: "There are too few tokens in the account that pays.",
  17: "The token account is frozen by the issuer of its token.",
};

/**
 * A sentence for the error of a simulation, of a status, or one that was thrown before anything was sent. What is thrown later says
 * nothing of the transaction.
 */
export function describeFailure(error: unknown, logs: readonly string[]): string {
  const code = customCode(error, logs);
  if (code !== undefined) {
    const text = programErrorText(code) ?? (tokenFailed(logs) ? TOKEN_ERRORS[code] : undefined);
    if (text !== undefined) return text;
    if (code === 1) return "There are too few tokens, or too little SOL for the rent of the new accounts.";
    return `A program refused with its error ${code}. The log below says more.`;
  }
  const name = nameOf(error);
  const known = name === undefined ? undefined : TRANSACTION_ERRORS[name];
  if (known !== undefined) return known;
  if (logs.some((line) => line.includes("insufficient lamports"))) {
    return "The account that pays has too little SOL for the rent of the new accounts.";
  }
  if (error instanceof TypeError || isTimeout(error)) return "The endpoint does not answer. Nothing was sent.";
  return error instanceof Error ? error.message : `The network refused it: ${name ?? "no reason was given"}.`;
}

/** The error of an instruction that a program chose itself. */
export function customCode(error: unknown, logs: readonly string[] = []): number | undefined {
  const found = search(error, 0);
  if (found !== undefined) return found;
  const text = [error instanceof Error ? error.message : "", ...logs].join("\n");
  const match = /custom program error: (0x[0-9a-f]+|#?\d+)/i.exec(text);
  return match?.[1] === undefined ? undefined : Number(match[1].replace("#", ""));
}

function search(value: unknown, depth: number): number | undefined {
  if (typeof value !== "object" || value === null || depth > 6) return undefined;
  if ("Custom" in value && (typeof value.Custom === "number" || typeof value.Custom === "bigint"))
    return Number(value.Custom);
  const code = "context" in value ? contextCode(value.context) : undefined;
  if (code !== undefined) return code;
  for (const inner of Object.values(value)) {
    const found = search(inner, depth + 1);
    if (found !== undefined) return found;
  }
  return value instanceof Error ? search(value.cause, depth + 1) : undefined;
}

function contextCode(context: unknown): number | undefined {
  const named = typeof context === "object" && context !== null && "code" in context ? context.code : undefined;
  return typeof named === "number" ? named : undefined;
}

function nameOf(error: unknown): string | undefined {
  if (typeof error === "string") return error;
  if (typeof error !== "object" || error === null || error instanceof Error) return undefined;
  const [first] = Object.keys(error);
  return first === "InstructionError" ? instructionErrorName(error) : first;
}

function instructionErrorName(error: object): string | undefined {
  const pair = "InstructionError" in error ? error.InstructionError : undefined;
  return Array.isArray(pair) && typeof pair[1] === "string" ? pair[1] : undefined;
}

function tokenFailed(logs: readonly string[]): boolean {
  return logs.some((line) => /Program Token[A-Za-z0-9]+ failed/.test(line));
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
