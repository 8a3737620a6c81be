/** The price of a job over its claim window, as a curve. */
import { type PriceRamp, priceAfter } from "@assay/client";
import type { Point } from "../ui/charts.tsx";

/** Corners of the curve, from 0 to 1: over the claim window, and between nothing and the maximum. */
export function rampCurve(ramp: PriceRamp, claimSlots: bigint): readonly Point[] {
  const corners = [0n, ramp.rampHoldSlots, ramp.rampHoldSlots + ramp.rampSlots, claimSlots];
  const points = corners.map((elapsed) => pointAt(ramp, claimSlots, elapsed));
  // Without a rise the price jumps, and the corner before the jump has to be drawn too.
  if (ramp.rampSlots === 0n && points[0] !== undefined && points[1] !== undefined) {
    points.splice(1, 1, { x: points[1].x, y: points[0].y }, points[1]);
  }
  return points;
}

/** Where the curve is after so many slots. */
export function pointAt(ramp: PriceRamp, claimSlots: bigint, elapsedSlots: bigint): Point {
  const y = ramp.priceMax === 0n ? 0 : Number((priceAfter(ramp, elapsedSlots) * 10_000n) / ramp.priceMax) / 10_000;
  const x = claimSlots === 0n ? 1 : Number((elapsedSlots * 10_000n) / claimSlots) / 10_000;
  return { x: Math.min(1, x), y };
}
