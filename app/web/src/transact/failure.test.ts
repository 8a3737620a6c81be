import { describe, expect, it } from "vitest";
import { customCode, describeFailure } from "./failure.ts";

describe("failures as sentences", () => {
  it("say what the program says, and its code", () => {
    const sentence = describeFailure({ InstructionError: [1, { Custom: 6016 }] }, []);
    expect(sentence).toBe("Only the client that posted the job may do this. Sign with its key. (P6016)");
  });

  it("find the program's code wherever it is", () => {
    expect(customCode({ InstructionError: [0, { Custom: 6001n }] })).toBe(6001);
    expect(customCode(new Error("failed", { cause: { context: { code: 6002 } } }))).toBe(6002);
    expect(customCode(new Error("custom program error: 0x1771"))).toBe(6001);
    expect(customCode("BlockhashNotFound")).toBeUndefined();
  });

  it("say what the network says", () => {
    expect(describeFailure("BlockhashNotFound", [])).toContain("too old");
    expect(describeFailure("AccountNotFound", [])).toContain("needs some SOL");
    expect(describeFailure({ InsufficientFundsForRent: { account_index: 0 } }, [])).toContain("rent");
    expect(describeFailure(new TypeError("Failed to fetch"), [])).toBe(
      "The endpoint does not answer. Nothing was sent.",
    );
    expect(describeFailure({ InstructionError: [0, "MissingRequiredSignature"] }, [])).toBe(
      "The network refused it: MissingRequiredSignature.",
    );
  });

  it("tell tokens from lamports", () => {
    const logs = ["Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA failed: custom program error: 0x1"];
    expect(describeFailure({ InstructionError: [0, { Custom: 1 }] }, logs)).toBe(
      "There are too few tokens in the account that pays.",
    );
    expect(describeFailure({ InstructionError: [0, { Custom: 1 }] }, [])).toContain("too little SOL");
  });
});
