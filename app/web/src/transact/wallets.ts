/** Wallets of the browser, found and used by the wallet standard. */
import { address, type ReadonlyUint8Array } from "@solana/kit";
import { SolanaSignTransaction, type SolanaSignTransactionFeature } from "@solana/wallet-standard-features";
import { getWallets } from "@wallet-standard/app";
import type { Wallet, WalletAccount } from "@wallet-standard/base";
import { StandardConnect, type StandardConnectFeature } from "@wallet-standard/features";
import { Rejected, type Signer, WalletFailed } from "./signer.ts";

/** A wallet that can sign for Solana. */
export type SolanaWallet = Wallet & {
  readonly features: StandardConnectFeature & SolanaSignTransactionFeature;
};

/** Chains by the name that the wallet standard has for them. */
export type Chain = `solana:${"mainnet" | "devnet" | "testnet" | "localnet"}`;

/** The wallets that are there now. */
export function wallets(): readonly SolanaWallet[] {
  return getWallets().get().filter(isSolanaWallet);
}

/** Calls `listener` when wallets come or go; the returned function ends it. */
export function watchWallets(listener: () => void): () => void {
  const { on } = getWallets();
  const ends = [on("register", listener), on("unregister", listener)];
  return () => {
    for (const end of ends) end();
  };
}

/** Asks the wallet for its account. `silent` does not bother anybody who has not agreed before. */
export async function connect(wallet: SolanaWallet, chain: Chain, silent = false): Promise<Signer> {
  const connected = await wallet.features[StandardConnect].connect({ silent }).catch((error: unknown) => {
    throw failureOf(error, `${wallet.name} did not connect.`);
  });
  const [account] = connected.accounts;
  if (account === undefined) throw new WalletFailed("The wallet gave the app no account.");
  return signerOf(wallet, account, chain);
}

function signerOf(wallet: SolanaWallet, account: WalletAccount, chain: Chain): Signer {
  return {
    address: address(account.address),
    name: wallet.name,
    kind: "wallet",
    async sign(transaction) {
      const [signed] = await wallet.features[SolanaSignTransaction]
        .signTransaction({
          account,
          chain,
          transaction,
        })
        .catch((error: unknown) => {
          throw failureOf(error, `${wallet.name} did not sign, and nothing was sent.`);
        });
      if (signed === undefined) throw new WalletFailed("The wallet gave nothing back, and nothing was sent.");
      return bytesOf(signed.signedTransaction);
    },
  };
}

/** The code with which wallets say that their owner did not want to. */
const USER_REJECTED = 4001;

/** What a wallet threw: a no of its owner, or a failure of its own. Some wallets say no in words alone. */
function failureOf(error: unknown, sentence: string): Rejected | WalletFailed {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  const words = error instanceof Error ? error.message : typeof error === "string" ? error : "";
  if (code === USER_REJECTED || /\b(reject|den(y|ied)|declin|cancel)/i.test(words)) {
    return new Rejected(words === "" ? sentence : words, { cause: error });
  }
  return new WalletFailed(words === "" ? sentence : `${sentence} It says: ${words}`, { cause: error });
}

function bytesOf(bytes: ReadonlyUint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

function isSolanaWallet(wallet: Wallet): wallet is SolanaWallet {
  return StandardConnect in wallet.features && SolanaSignTransaction in wallet.features;
}
