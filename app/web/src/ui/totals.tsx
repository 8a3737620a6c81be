/** What the market did over days, as an index counts it. */
import type { Address } from "@solana/kit";
import { useState } from "react";
import type { IndexStats } from "../data/history-index/shape.ts";
import { type Asked, useIndexStats } from "../data/index-hooks.ts";
import { formatCount } from "../model/amounts.ts";
import { hourBars, totalsSince } from "../model/totals.ts";
import { Fact, Facts, Note, Panel, SkeletonLines } from "./basics.tsx";
import { BarChart } from "./charts.tsx";
import { SelectField } from "./field.tsx";
import { SourceTag } from "./source.tsx";
import { Amount, StakeAmount } from "./unit.tsx";

const SPANS = [
  ["24", "24 hours"],
  ["72", "3 days"],
  ["168", "7 days"],
] as const;

/** Hours that are asked for: those of the longest span. */
const HOURS = 168;

/** Totals of the market; nothing without an index. */
export function TotalsPanel() {
  const asked = useIndexStats(HOURS);
  return asked.state === "none" ? null : <TotalsOf asked={asked} nowSeconds={Date.now() / 1_000} />;
}

/** The same, where the index was asked already. */
export function TotalsOf({
  asked,
  nowSeconds,
  title = "Settled jobs",
}: {
  asked: Asked<IndexStats>;
  nowSeconds: number;
  title?: string;
}) {
  const [span, choose] = useState<"24" | "72" | "168">("24");
  const hours = Number(span);
  return (
    <Panel
      title={title}
      side={
        <span className="row">
          <SelectField label="Time" small value={span} options={SPANS} onChange={choose} />
          <SourceTag source="index" />
        </span>
      }
      foot="Jobs that were closed since are counted; receipts that were called in count as jobs, and the vouchers of sessions in the volume."
    >
      {asked.state === "loading" && <SkeletonLines label="Loading the totals" lines={4} />}
      {asked.state === "failed" && (
        <Note tone="warn" title="The index did not give its totals.">
          {asked.reason}
        </Note>
      )}
      {asked.state === "known" && <Counted stats={asked.value} hours={hours} nowSeconds={nowSeconds} />}
    </Panel>
  );
}

function Counted({ stats, hours, nowSeconds }: { stats: IndexStats; hours: number; nowSeconds: number }) {
  const bars = hourBars(stats.hours, hours, nowSeconds);
  const totals = totalsSince(stats.hours, nowSeconds - hours * 3_600);
  return (
    <div className="stack facts-two">
      <BarChart
        buckets={bars}
        spanText={hours === 24 ? "24 hours" : `${hours / 24} days`}
        label={`${formatCount(totals.settled)} jobs settled and ${formatCount(totals.convicted)} were convicted in the last ${formatCount(hours)} hours`}
      />
      <Facts numbers>
        <Fact name="Settled">{formatCount(totals.settled)}</Fact>
        <Fact name="Proved wrong">{formatCount(totals.convicted)}</Fact>
        <Fact name="Missed">{formatCount(totals.missed)}</Fact>
        <Fact name="Unclaimed or taken back">{formatCount(totals.unclaimed)}</Fact>
        {[...totals.volume].map(([mint, volume]) => (
          <Fact key={mint} name="Paid, before fees">
            <Amount value={volume} mint={mint as Address} />
          </Fact>
        ))}
        {totals.slashed > 0n && (
          <Fact name="Slashed">
            <StakeAmount value={totals.slashed} />
          </Fact>
        )}
      </Facts>
    </div>
  );
}
