/** What a key has of a token, for components. */
import { associatedAccount, type PaymentMint } from "@assay/client";
import { type Address, isSolanaError, SOLANA_ERROR__JSON_RPC__INVALID_PARAMS } from "@solana/kit";
import { useEffect, useState } from "react";
import { sleep } from "../model/sleep.ts";
import { useSigning } from "./context.tsx";
import { patience, type Rpc } from "./landing.ts";

/** Base units; `unknown` where the endpoint does not say. */
export type Balance = bigint | "unknown";

const RETRY_MS = 5_000;

/** Tokens of a key; `undefined` while they are asked for the first time. */
export function useBalance(owner: Address | undefined, mint: PaymentMint): Balance | undefined {
  const { rpc } = useSigning();
  const [balance, setBalance] = useState<Balance>();
  useEffect(() => {
    setBalance(undefined);
    if (owner === undefined) return;
    const controller = new AbortController();
    void watch(rpc, owner, mint, setBalance, controller.signal);
    return () => controller.abort();
  }, [owner, mint, rpc]);
  return balance;
}

/** How many of `wanted` tokens are certainly missing. */
export function missingOf(balance: Balance | undefined, wanted: bigint): bigint {
  return typeof balance === "bigint" && balance < wanted ? wanted - balance : 0n;
}

/** Asks until the endpoint says it. */
async function watch(
  rpc: Rpc,
  owner: Address,
  mint: PaymentMint,
  tell: (balance: Balance) => void,
  signal: AbortSignal,
): Promise<void> {
  const account = await associatedAccount(owner, mint);
  while (!signal.aborted) {
    const balance = await tokensIn(rpc, account, signal);
    if (signal.aborted) return;
    tell(balance);
    if (balance !== "unknown") return;
    await sleep(RETRY_MS, signal);
  }
}

/** What is in a token account. Endpoints call the address of one that does not exist a wrong parameter: nothing is in it. */
export async function tokensIn(rpc: Rpc, account: Address, signal: AbortSignal): Promise<Balance> {
  try {
    const { value } = await rpc.getTokenAccountBalance(account).send({ abortSignal: patience(signal) });
    return BigInt(value.amount);
  } catch (error) {
    return isSolanaError(error, SOLANA_ERROR__JSON_RPC__INVALID_PARAMS) ? 0n : "unknown";
  }
}
