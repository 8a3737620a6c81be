/** What the chain itself takes for a job or a session, before it is signed. */
import type { Address } from "@solana/kit";
import { useTable } from "../data/hooks.ts";
import { formatAmount } from "../model/amounts.ts";
import { chainCosts } from "../model/offer.ts";
import { Fact } from "./basics.tsx";

/** Rents and fee. `client` is who posts, once that is known; `accounts` are the bytes of those that closing returns. */
export function ChainCostFacts({ client, accounts }: { client: Address | undefined; accounts: readonly number[] }) {
  const counters = useTable("client").rows;
  const costs = chainCosts(
    accounts,
    counters.some(({ data }) => data.client === client),
  );
  // All nine digits: the fee is five thousandths of a thousandth.
  const sol = (lamports: bigint) => `${formatAmount(lamports, 9, 9)} SOL`;
  return (
    <>
      <Fact name="Rent, returned at closing">{sol(costs.returned)}</Fact>
      {costs.kept > 0n && <Fact name="Rent of the client's counter, once, not returned">{sol(costs.kept)}</Fact>}
      <Fact name="Fee of the chain">{sol(costs.fee)}</Fact>
      <Fact name={<strong>In SOL, altogether</strong>}>
        <strong>{sol(costs.whole)}</strong>
      </Fact>
    </>
  );
}
