/** A new key as a keypair file of the Solana command line. */
import { type Address, getAddressEncoder } from "@solana/kit";
import { signerOfSecret } from "./burner.ts";

/** Makes a key; its address, and the text of its file. It is kept nowhere. */
export async function keypairFile(): Promise<{ readonly address: Address; readonly json: string }> {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const { address } = await signerOfSecret(secret);
  return { address, json: JSON.stringify([...secret, ...getAddressEncoder().encode(address)]) };
}
