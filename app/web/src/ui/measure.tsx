/** Parameters in their measures. */
import { formatAmount, formatBasisPoints, formatCount } from "../model/amounts.ts";
import type { Measure } from "../model/parameters.ts";
import { formatSlots } from "../model/time.ts";
import { type Unit, withSymbol } from "./unit.tsx";

/** A value for people. */
export function writeMeasure(value: bigint, measure: Measure, stake: Unit, slotMs: number): string {
  switch (measure) {
    case "stake":
      return withSymbol(value, stake);
    case "slots":
      return `${formatCount(value)} slots, ${formatSlots(value, slotMs)}`;
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
