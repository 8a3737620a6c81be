/** The last step: what it costs, every way in which it can end, and the signature. */
import { clientAddress, jobAddress, type PaymentMint } from "@assay/client";
import type { Address } from "@solana/kit";
import { useState } from "react";
import { useMarket, useTable } from "../../data/hooks.ts";
import { formatBasisPoints } from "../../model/amounts.ts";
import { shortAddress } from "../../model/keys.ts";
import { accountBytes, addressesFault, type Offer, type Work } from "../../model/offer.ts";
import { endings, escrow } from "../../model/refunds.ts";
import { missingOf, useBalance } from "../../transact/balance.ts";
import { BalanceFact } from "../../transact/balance-fact.tsx";
import { useSigning } from "../../transact/context.tsx";
import type { Plan } from "../../transact/plan.ts";
import { postJob } from "../../transact/plans/post.ts";
import { Review } from "../../transact/review.tsx";
import { Button, Fact, Facts, Note, Panel } from "../../ui/basics.tsx";
import { ChainCostFacts } from "../../ui/chain-costs.tsx";
import { EndingRow } from "../../ui/ending-row.tsx";
import { SelectField } from "../../ui/field.tsx";
import { Amount, StakeAmount, useUnit, withSymbol } from "../../ui/unit.tsx";
import { Candidates } from "./candidates.tsx";

/** Explains, then has it signed. */
export function ReviewStep({
  work,
  offer,
  mint,
  onPosted,
}: {
  work: Work;
  offer: Offer;
  mint: PaymentMint;
  onPosted: (job: Address) => void;
}) {
  const { signer, choose } = useSigning();
  const market = useMarket();
  const unit = useUnit(mint.mint);
  const budgets = useTable("budget").rows.filter(
    ({ data }) =>
      data.paymentMint === mint.mint &&
      signer !== undefined &&
      (data.owner === signer.address || data.agent === signer.address),
  );
  const [payer, setPayer] = useState("own");
  const [plan, setPlan] = useState<Plan>();
  const [posting, setPosting] = useState<Address>();
  const client = payer === "own" ? signer?.address : (payer as Address);
  const balance = useBalance(client, mint);
  const whole = escrow(offer);
  const tooLong = addressesFault(work, offer, payer !== "own");
  const missing = missingOf(balance, whole);

  const start = async () => {
    if (client === undefined) return choose(true);
    const counter = market.table("client").byAddress.get(await clientAddress(client));
    const nextJobId = counter?.data.nextJobId ?? 0n;
    setPosting(await jobAddress(client, nextJobId));
    setPlan(
      postJob(work, offer, mint, { client, isBudget: payer !== "own", nextJobId }, (value) => withSymbol(value, unit)),
    );
  };
  return (
    <div className="grid-2">
      <div className="stack">
        <Panel title="Every way in which it can end">
          <div className="stack" style={{ gap: 0 }}>
            {endings(offer).map((ending) => (
              <EndingRow
                key={ending.key}
                ending={{ ...ending, isDisputable: ending.key === "settled" || ending.key === "convicted" }}
                mint={mint.mint}
                slotMs={market.pace.slotMs}
              />
            ))}
          </div>
        </Panel>
        <Candidates work={work} offer={offer} mint={mint} />
      </div>
      <div className="stack">
        <Panel title="What it costs">
          <Facts numbers>
            <Fact name="Price, at most">
              <Amount value={offer.priceMax} mint={mint.mint} />
            </Fact>
            {offer.auditPot > 0n && (
              <Fact name="Audit pot">
                <Amount value={offer.auditPot} mint={mint.mint} />
              </Fact>
            )}
            <Fact name={<strong>Into escrow</strong>}>
              <strong>
                <Amount value={whole} mint={mint.mint} />
              </strong>
            </Fact>
            <Fact name="Fee of the protocol">
              {formatBasisPoints(offer.protocolFeeBps)} of the price, paid by the node
            </Fact>
            <ChainCostFacts client={client} accounts={accountBytes(work, offer)} />
            <Fact name="Bond of the node">
              <StakeAmount value={offer.bond} />
            </Fact>
            <BalanceFact balance={balance} mint={mint.mint} />
          </Facts>
        </Panel>
        {budgets.length > 0 && (
          <Panel title="Who pays">
            <SelectField
              label="Out of"
              value={payer}
              options={[
                ["own", "My own tokens"] as const,
                ...budgets.map(({ address }) => [address as string, `Budget ${shortAddress(address)}`] as const),
              ]}
              onChange={setPayer}
            />
          </Panel>
        )}
        {missing > 0n && (
          <Note tone="warn" title="There are too few tokens for this escrow.">
            {withSymbol(missing, unit)} are missing.
          </Note>
        )}
        {tooLong !== undefined && (
          <Note tone="warn" title="The addresses are too long.">
            {tooLong}
          </Note>
        )}
        <Button look="primary" disabled={tooLong !== undefined} onClick={() => void start()}>
          {signer === undefined ? "Connect to sign" : "Try it out, then sign"}
        </Button>
      </div>
      {plan !== undefined && (
        <Review
          plan={plan}
          onClose={() => setPlan(undefined)}
          onDone={() => posting !== undefined && onPosted(posting)}
        />
      )}
    </div>
  );
}
