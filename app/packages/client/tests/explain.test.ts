import {
  SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
  SOLANA_ERROR__TRANSACTION_ERROR__BLOCKHASH_NOT_FOUND,
  SolanaError,
} from "@solana/kit";
import { expect, test } from "vitest";
import { ClientFailure, explainFailure } from "../src/index.js";

function custom(code: number): Error {
  const cause = new SolanaError(SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM, { code, index: 2 });
  return new Error("Transaction simulation failed", { cause });
}

test("a refusal of the program is found below what wraps it", () => {
  expect(explainFailure(custom(6349))).toMatchObject({ code: "P6349" });
  expect(explainFailure(custom(6000)).remedy).toBe("Use smaller values.");
});

test("failures of tokens, of Anchor and of the chain have words too", () => {
  expect(explainFailure(custom(1)).name).toBe("InsufficientFunds");
  expect(explainFailure(custom(3012)).name).toBe("AccountNotInitialized");
  expect(explainFailure(custom(2006))).toMatchObject({ code: "P2006", name: "AccountsRefused" });
  const old = new SolanaError(SOLANA_ERROR__TRANSACTION_ERROR__BLOCKHASH_NOT_FOUND);
  expect(explainFailure(old).name).toBe("BlockhashNotFound");
  const preflight = SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE;
  expect(explainFailure({ preflight })).toMatchObject({ code: "X" });
});

test("a failure of this package keeps its code, and an unknown one its text", () => {
  const failure = new ClientFailure("T0301", "the job has no result", "wait");
  expect(failure.message).toBe("T0301 the job has no result; wait");
  expect(explainFailure(failure)).toEqual({
    code: "T0301",
    name: "ClientFailure",
    problem: "the job has no result",
    remedy: "wait",
  });
  expect(explainFailure(new Error("odd"))).toMatchObject({ code: "X", problem: "odd" });
  expect(explainFailure("text")).toMatchObject({ code: "X", problem: "text" });
  expect(explainFailure(custom(70))).toMatchObject({ code: "X" });
});
