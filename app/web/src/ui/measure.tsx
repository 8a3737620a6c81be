/** Parameters in their measures. */

import { useMarket } from "../data/hooks.ts";
import { formatAmount, formatBasisPoints, formatCount } from "../model/amounts.ts";
import type { Measure } from "../model/parameters.ts";
import { formatSlots } from "../model/time.ts";
import { type Unit, useStakeUnit, withSymbol } from "./unit.tsx";

/** A value for people. */
export function writeMeasure(value: bigint, measure: Measure, stake: Unit, slotMs: number): string {
  switch (measure) {
    case "stake":
      return withSymbol(value, stake);
    case "slots":
      return `${slotCount(value)}, ${formatSlots(value, slotMs)}`;
    case "share":
      return formatBasisPoints(value);
    case "multiple":
      return `${formatAmount(value, 4)} times`;
    case "count":
      return formatCount(value);
    case "lamports":
      return `${formatAmount(value, 9)} SOL`;
  }
}

/** A value on one line, with its duration below where it counts slots. */
export function Measured({ value, measure, strong = false }: { value: bigint; measure: Measure; strong?: boolean }) {
  const unit = useStakeUnit();
  const { pace } = useMarket();
  const text = measure === "slots" ? slotCount(value) : writeMeasure(value, measure, unit, pace.slotMs);
  return (
    <span style={{ whiteSpace: "nowrap" }}>
      {strong ? <strong style={{ fontWeight: 560 }}>{text}</strong> : text}
      {measure === "slots" && <div className="small faint">{formatSlots(value, pace.slotMs)}</div>}
    </span>
  );
}

function slotCount(value: bigint): string {
  return value === 1n ? "1 slot" : `${formatCount(value)} slots`;
}
