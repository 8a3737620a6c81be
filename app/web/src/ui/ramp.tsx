/** The price ramp of a job. */
import { type PriceRamp, priceAfter } from "@assay/client";
import { useMarket } from "../data/hooks.ts";
import { pointAt, rampCurve } from "../model/ramp.ts";
import { formatSlots } from "../model/time.ts";
import { RampChart } from "./charts.tsx";
import { type Unit, withSymbol } from "./unit.tsx";

/** The curve; `elapsed` is where the present is, `claimed` after how many slots a node claimed. */
export function Ramp({
  ramp,
  claimSlots,
  unit,
  elapsed,
  claimed,
}: {
  ramp: PriceRamp;
  claimSlots: bigint;
  unit: Unit;
  elapsed?: bigint | undefined;
  claimed?: bigint | undefined;
}) {
  const { pace } = useMarket();
  const now = elapsed === undefined || elapsed > claimSlots ? undefined : pointAt(ramp, claimSlots, elapsed);
  const claim =
    claimed === undefined
      ? undefined
      : { ...pointAt(ramp, claimSlots, claimed), text: `claimed at ${withSymbol(priceAfter(ramp, claimed), unit)}` };
  const low = withSymbol(ramp.priceMin, unit);
  const high = withSymbol(ramp.priceMax, unit);
  return (
    <RampChart
      curve={rampCurve(ramp, claimSlots)}
      labels={{ start: `posted at ${low}`, end: `${high} after ${formatSlots(claimSlots, pace.slotMs)}` }}
      now={now}
      claim={claim}
      label={`The price holds at ${low} for ${ramp.rampHoldSlots} slots, then rises to ${high} within ${ramp.rampSlots} slots${
        claim === undefined ? "" : `; it was ${claim.text}`
      }.`}
    />
  );
}
