/** The line of a list of costs that says what there is. */
import type { Address } from "@solana/kit";
import { Fact } from "../ui/basics.tsx";
import { Amount } from "../ui/unit.tsx";
import type { Balance } from "./balance.ts";

/** Nothing until the endpoint was asked. */
export function BalanceFact({ balance, mint }: { balance: Balance | undefined; mint: Address }) {
  if (balance === undefined) return null;
  return (
    <Fact name="There is">
      {balance === "unknown" ? "Not known: the endpoint does not say" : <Amount value={balance} mint={mint} />}
    </Fact>
  );
}
