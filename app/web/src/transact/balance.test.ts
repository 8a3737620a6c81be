import type { Address } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { missingOf, tokensIn } from "./balance.ts";
import { fakeEndpoint, Refusal, valued } from "./fake-endpoint.ts";

const ACCOUNT = "SysvarC1ock11111111111111111111111111111111" as Address;

function tokens(getTokenAccountBalance: () => unknown) {
  return tokensIn(fakeEndpoint({ getTokenAccountBalance }).rpc, ACCOUNT, new AbortController().signal);
}

describe("a balance", () => {
  it("is not known where the endpoint fails, and is not zero", async () => {
    for (const failure of [new TypeError("Failed to fetch"), new Refusal(-32_603), new Refusal(-32_005)]) {
      const failing = () => {
        throw failure;
      };
      expect(await tokens(failing)).toBe("unknown");
    }
  });

  it("is zero where the account does not exist, and else what is in it", async () => {
    const missing = () => {
      throw new Refusal(-32_602);
    };
    expect(await tokens(missing)).toBe(0n);
    expect(await tokens(() => valued({ amount: "250", decimals: 6, uiAmountString: "0.00025" }))).toBe(250n);
  });

  it("lacks tokens only where it is known", () => {
    expect(missingOf(3n, 5n)).toBe(2n);
    expect(missingOf(5n, 5n)).toBe(0n);
    expect(missingOf("unknown", 5n)).toBe(0n);
    expect(missingOf(undefined, 5n)).toBe(0n);
  });
});
