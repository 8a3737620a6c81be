import { describe, expect, it } from "vitest";
import { Rejected, WalletFailed } from "./signer.ts";
import { connect, type SolanaWallet } from "./wallets.ts";

/** A wallet that answers a request for a signature so. */
function wallet(signTransaction: () => Promise<unknown>): SolanaWallet {
  const account = { address: "11111111111111111111111111111111" };
  return {
    name: "Test wallet",
    features: {
      "standard:connect": { version: "1.0.0", connect: async () => ({ accounts: [account] }) },
      "solana:signTransaction": { version: "1.0.0", supportedTransactionVersions: [0], signTransaction },
    },
  } as unknown as SolanaWallet;
}

async function failureOf(thrown: unknown): Promise<unknown> {
  const signer = await connect(
    wallet(() => Promise.reject(thrown)),
    "solana:localnet",
  );
  return signer.sign(new Uint8Array()).catch((error: unknown) => error);
}

describe("a wallet", () => {
  it("says no by the code of a refusal, or in words", async () => {
    const coded = Object.assign(new Error("Nope"), { code: 4001 });
    for (const no of [coded, { code: 4001 }, new Error("User rejected the request."), new Error("User denied it")]) {
      expect(await failureOf(no)).toBeInstanceOf(Rejected);
    }
  });

  it("that fails is quoted, and not taken for a no", async () => {
    const failure = await failureOf(Object.assign(new Error("Ledger is locked"), { code: -32603 }));
    expect(failure).toBeInstanceOf(WalletFailed);
    expect(failure).toHaveProperty(
      "message",
      "Test wallet did not sign, and nothing was sent. It says: Ledger is locked",
    );
    expect(await failureOf("odd")).toHaveProperty("message", expect.stringMatching(/It says: odd$/));
    expect(await failureOf(undefined)).toHaveProperty("message", "Test wallet did not sign, and nothing was sent.");
  });
});
