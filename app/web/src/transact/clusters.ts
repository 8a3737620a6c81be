/** The public clusters of Solana, told apart by the hash of their first block: an endpoint may be called anything. */
import type { Chain } from "./wallets.ts";

/** Genesis hash of every public cluster, and its name in the wallet standard. */
export const PUBLIC_CLUSTERS: ReadonlyMap<string, Chain> = new Map([
  ["5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d", "solana:mainnet"],
  ["EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG", "solana:devnet"],
  ["4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY", "solana:testnet"],
]);

/** The name of a cluster for wallets; a localnet's where it is none of the public ones. */
export function chainOf(genesisHash: string | undefined): Chain {
  return PUBLIC_CLUSTERS.get(genesisHash ?? "") ?? "solana:localnet";
}
