/** What a key has of a token, for components. */
import { associatedAccount, type PaymentMint } from "@assay/client";
import type { Address } from "@solana/kit";
import { useEffect, useState } from "react";
import { useSigning } from "./context.tsx";

/** Tokens of a key; `undefined` until they are known. */
export function useBalance(owner: Address | undefined, mint: PaymentMint): bigint | undefined {
  const { rpc } = useSigning();
  const [balance, setBalance] = useState<bigint>();
  useEffect(() => {
    setBalance(undefined);
    if (owner === undefined) return;
    const controller = new AbortController();
    associatedAccount(owner, mint)
      .then((account) => rpc.getTokenAccountBalance(account).send({ abortSignal: controller.signal }))
      .then(
        ({ value }) => setBalance(BigInt(value.amount)),
        () => controller.signal.aborted || setBalance(0n),
      );
    return () => controller.abort();
  }, [owner, mint, rpc]);
  return balance;
}
