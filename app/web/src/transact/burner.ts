/**
 * A key that the app itself keeps, for a localnet only: whoever can read the page's storage has it. It is never offered on a
 * public cluster or an endpoint of another machine.
 */
import {
  createKeyPairFromPrivateKeyBytes,
  getAddressFromPublicKey,
  getTransactionDecoder,
  getTransactionEncoder,
  partiallySignTransaction,
} from "@solana/kit";
import { fromHex, hex } from "../model/keys.ts";
import { PUBLIC_CLUSTERS } from "./clusters.ts";
import type { Signer } from "./signer.ts";

const KEY = "assay.burner";

/** Whether the app may keep a key of its own. */
export function mayBurn(loopback: boolean, genesisHash: string | undefined): boolean {
  return loopback && genesisHash !== undefined && !PUBLIC_CLUSTERS.has(genesisHash);
}

/** The app's own key; made if there is none. */
export async function burner(storage: Pick<Storage, "getItem" | "setItem">): Promise<Signer> {
  const stored = fromHex(storage.getItem(KEY) ?? "");
  const secret = stored?.length === 32 ? stored : crypto.getRandomValues(new Uint8Array(32));
  storage.setItem(KEY, hex(secret));
  return signerOfSecret(secret);
}

/** A signer of a private key of 32 bytes. */
export async function signerOfSecret(secret: Uint8Array): Promise<Signer> {
  const pair = await createKeyPairFromPrivateKeyBytes(secret);
  return {
    address: await getAddressFromPublicKey(pair.publicKey),
    name: "Burner",
    kind: "burner",
    async sign(bytes) {
      const signed = await partiallySignTransaction([pair], getTransactionDecoder().decode(bytes));
      return Uint8Array.from(getTransactionEncoder().encode(signed));
    },
  };
}

/** The private key in a keypair file of the Solana command line, to use it as the burner; or why it is none. */
export function secretOfKeypairFile(text: string): { value: Uint8Array } | { error: string } {
  try {
    const parsed: unknown = JSON.parse(text);
    const valid =
      Array.isArray(parsed) &&
      parsed.length === 64 &&
      parsed.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256);
    if (valid) return { value: Uint8Array.from(parsed.slice(0, 32)) };
  } catch {
    // Said below.
  }
  return { error: "This is not a keypair file: it holds a list of 64 numbers." };
}

/** Has the app use this key as its own from now on. */
export function rememberBurner(secret: Uint8Array, storage: Pick<Storage, "setItem">): void {
  storage.setItem(KEY, hex(secret));
}
