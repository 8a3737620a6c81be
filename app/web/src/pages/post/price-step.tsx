/** The second step: what is offered, beside what nodes took lately. */
import type { PaymentMint } from "@assay/client";
import { type ReactNode, useMemo } from "react";
import { useTable } from "../../data/hooks.ts";
import { formatAmount, parseAmount } from "../../model/amounts.ts";
import { recentPrices, suggestPrice } from "../../model/market.ts";
import type { Draft, Faults, Work } from "../../model/offer.ts";
import { AddressText } from "../../ui/address.tsx";
import { Button, Fact, Facts, Panel } from "../../ui/basics.tsx";
import { SelectField, TextField } from "../../ui/field.tsx";
import { Ramp } from "../../ui/ramp.tsx";
import { Amount, mintName, useUnit } from "../../ui/unit.tsx";

/** Prices and their rise. */
export function PriceStep({
  work,
  draft,
  faults,
  mint,
  mints,
  onMint,
  onChange,
  next,
}: {
  work: Work;
  draft: Draft;
  faults: Faults;
  mint: PaymentMint;
  mints: readonly PaymentMint[];
  onMint: (mint: string) => void;
  onChange: (change: Partial<Draft>) => void;
  next: ReactNode;
}) {
  const unit = useUnit(mint.mint);
  const typed = (text: string) => {
    const parsed = parseAmount(text, mint.decimals);
    return "value" in parsed ? parsed.value : 0n;
  };
  const [priceMin, priceMax] = [typed(draft.priceMin), typed(draft.priceMax)];
  const slots = (text: string) => (/^\d{1,18}$/.test(text) ? BigInt(text) : 0n);
  const fault = (field: keyof Draft) => (draft[field] === "" ? undefined : faults[field]);
  return (
    <div className="grid-2">
      <Panel title="Your offer">
        <div className="stack">
          {mints.length > 1 && (
            <SelectField
              label="Token"
              value={mint.mint}
              options={mints.map((one) => [one.mint as string, mintName(one.mint)] as const)}
              onChange={onMint}
            />
          )}
          <div className="form-grid">
            <TextField
              label="First price"
              value={draft.priceMin}
              onChange={(value) => onChange({ priceMin: value })}
              unit={unit.symbol}
              inputMode="decimal"
              error={fault("priceMin")}
              hint="Nodes can claim at it at once."
            />
            <TextField
              label="Highest price"
              value={draft.priceMax}
              onChange={(value) => onChange({ priceMax: value })}
              unit={unit.symbol}
              inputMode="decimal"
              error={fault("priceMax")}
              hint="All of it goes into escrow."
            />
            <TextField
              label="Holds for"
              value={draft.holdSlots}
              onChange={(value) => onChange({ holdSlots: value })}
              unit="slots"
              inputMode="numeric"
              error={fault("holdSlots")}
            />
            <TextField
              label="Then rises within"
              value={draft.riseSlots}
              onChange={(value) => onChange({ riseSlots: value })}
              unit="slots"
              inputMode="numeric"
              error={fault("riseSlots")}
            />
          </div>
          {priceMax > 0n && priceMin <= priceMax && (
            <Ramp
              ramp={{ priceMin, priceMax, rampHoldSlots: slots(draft.holdSlots), rampSlots: slots(draft.riseSlots) }}
              claimSlots={slots(draft.claimSlots)}
              unit={unit}
            />
          )}
        </div>
      </Panel>
      <div className="stack">
        <Suggestion work={work} mint={mint} onUse={onChange} />
        <div className="row" style={{ justifyContent: "flex-end" }}>
          {next}
        </div>
      </div>
    </div>
  );
}

function Suggestion({ work, mint, onUse }: { work: Work; mint: PaymentMint; onUse: (change: Partial<Draft>) => void }) {
  const jobs = useTable("job").rows;
  const same = useMemo(() => recentPrices(jobs, mint.mint, work.graphRoot), [jobs, mint.mint, work.graphRoot]);
  const any = useMemo(() => recentPrices(jobs, mint.mint), [jobs, mint.mint]);
  const sample = same ?? any;
  if (sample === undefined) {
    return (
      <Panel title="What nodes took lately">
        <p className="muted">
          No job in this token was claimed yet. Begin low: the price rises by itself until a node takes it, and what you
          do not need returns.
        </p>
      </Panel>
    );
  }
  const suggestion = suggestPrice(sample);
  return (
    <Panel
      title="What nodes took lately"
      foot={same === undefined ? "Of all models: this one was not claimed yet." : "For this model."}
    >
      <Facts numbers>
        <Fact name={`Median of ${sample.jobs} claims`}>
          <Amount value={sample.median} mint={mint.mint} />
        </Fact>
        <Fact name="Nine of ten took at most">
          <Amount value={sample.high} mint={mint.mint} />
        </Fact>
        <Fact name="Token">
          <AddressText value={mint.mint} what="address of the mint" />
        </Fact>
      </Facts>
      <Button
        onClick={() =>
          onUse({
            priceMin: formatAmount(suggestion.minimum, mint.decimals).replaceAll(",", ""),
            priceMax: formatAmount(suggestion.maximum, mint.decimals).replaceAll(",", ""),
          })
        }
      >
        Offer <Amount value={suggestion.minimum} mint={mint.mint} /> to{" "}
        <Amount value={suggestion.maximum} mint={mint.mint} />
      </Button>
    </Panel>
  );
}
