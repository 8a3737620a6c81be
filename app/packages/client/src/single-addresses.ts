/** Addresses of the accounts of which there is just one. */
import { type Address, address } from "@solana/kit";

/** By their names in instructions: what the program derives from a seed alone. The tests derive each again. */
export const singleAddresses: Readonly<
  Record<"network" | "eventAuthority" | "stakeVault" | "stakeRegister" | "rewardPool" | "rewardVault", Address>
> = {
  network: address("BfXKVCMXmRZQHPKmgEpi1J2y7KgJR8FgK6dunRN24mpM"),
  eventAuthority: address("4qqoV4v2eBYd6WYRRyf62163MzMdWH8YC66mv8rNFdCe"),
  stakeVault: address("uKyfKcHLLpzfKXRffp5kgaTSAQEQa2JdFLhQHw6N3px"),
  stakeRegister: address("4F7DardY7fAQ1um3Hh6nnroaVUnCzSmL7mVZsRLRkpny"),
  rewardPool: address("Aj1Lnx79oGzMrU1FR62am8FhygL9NB33scqBFYAU4zHa"),
  rewardVault: address("7G6S8Sx7omCiQ85adNaveXB9YXTywcsjrnA6xsN72UZT"),
};
