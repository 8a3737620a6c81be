/** Who signs: a wallet of the browser, or a key of the app's own on a localnet. Both take and give bytes of a transaction. */
import type { Address } from "@solana/kit";

/** Somebody who can sign. */
export interface Signer {
  readonly address: Address;
  readonly name: string;
  readonly kind: "wallet" | "burner";
  /** Signs a transaction in wire form. Throws [`Rejected`] if the owner does not want to, [`WalletFailed`] if the wallet cannot. */
  sign(transaction: Uint8Array): Promise<Uint8Array>;
}

/** The owner of the key did not sign. */
export class Rejected extends Error {
  override readonly name = "Rejected";
}

/** The wallet failed; the message is a sentence for people, with the wallet's own words. */
export class WalletFailed extends Error {
  override readonly name = "WalletFailed";
}
