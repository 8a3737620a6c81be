/** What a node's work says about it: the score with its bound, signs of life, and what misses led to. */
import { confidenceOf, faded, type Node } from "@assay/client";
import { useMarket, useNetwork, useSlot } from "../data/hooks.ts";
import { formatAmount, formatBasisPoints, formatCount } from "../model/amounts.ts";
import { bitsOf } from "../model/bits.ts";
import { tierOf } from "../model/node-view.ts";
import { formatRelative } from "../model/time.ts";
import { Fact, Facts, Meter, Panel } from "./basics.tsx";

/** Observations are counted in millionths. */
const OBSERVATION_DECIMALS = 6;

/** The score and what it rests on. */
export function ReputationPanel({ node }: { node: Node }) {
  const rules = useNetwork()?.data.parameters.scheduling;
  const slot = useSlot();
  if (rules === undefined) return null;
  const epoch = slot / BigInt(rules.epochSlots);
  const now = epoch > node.evidence.epoch ? faded(node.evidence, epoch, rules.reputation) : node.evidence;
  const { lowerBoundBps, observedBps, observations } = confidenceOf(now);
  return (
    <Panel
      title="Reputation"
      foot="The least share of good work that its record supports. Jobs count by the fees that they burn, never by their number, and all of it fades."
    >
      <div className="row" style={{ justifyContent: "space-between", marginBottom: 6 }}>
        <strong style={{ fontSize: "var(--size-xl)" }}>{formatBasisPoints(lowerBoundBps)}</strong>
        <span className="muted small">
          {observedBps === null ? "no record yet" : `${formatBasisPoints(observedBps)} observed`}
        </span>
      </div>
      <Meter share={lowerBoundBps / 10_000} tone="good" label="Lower bound of the share of good work" />
      <Facts numbers>
        <Fact name="Rests on">{formatAmount(observations, OBSERVATION_DECIMALS, 2)} observations</Fact>
        <Fact name="Good work">{formatAmount(now.good, OBSERVATION_DECIMALS, 2)}</Fact>
        <Fact name="Faults and misses">{formatAmount(now.bad, OBSERVATION_DECIMALS, 2)}</Fact>
      </Facts>
    </Panel>
  );
}

/** Misses, jail, maintenance and signs of life. */
export function StandingPanel({ node: { standing } }: { node: Node }) {
  const slot = useSlot();
  const { pace } = useMarket();
  const when = (at: bigint) => formatRelative(at, slot, pace.slotMs);
  const { maintenance } = standing;
  return (
    <Panel title="Standing">
      <Facts numbers>
        <Fact name="Last sign of life">{standing.seenSlot === 0n ? "none yet" : when(standing.seenSlot)}</Fact>
        <Fact name="Last heartbeat">epoch {formatCount(standing.heartbeatEpoch)}</Fact>
        <Fact name="Misses not accounted for">{formatCount(standing.unresolved)}</Fact>
        <Fact name="Step of repeated misses">{standing.misses.step} of 8</Fact>
        <Fact name="Step of late results">{standing.lates.step} of 8</Fact>
        {standing.jailedUntilSlot > slot && <Fact name="Jail ends">{when(standing.jailedUntilSlot)}</Fact>}
        {maintenance.endSlot >= slot && maintenance.endSlot > 0n && (
          <Fact name="Maintenance">
            {maintenance.startSlot > slot
              ? `begins ${when(maintenance.startSlot)}`
              : `ends ${when(maintenance.endSlot)}`}
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}

/** What the node says of itself. */
export function ProfilePanel({ node: { profile, weights } }: { node: Node }) {
  const weight = weights.checkpoints.at(-1)?.weight ?? 0n;
  return (
    <Panel title="What it offers" foot="By its own words; a speed that is not kept costs it by lateness.">
      <Facts numbers>
        <Fact name="Hardware tier">{tierOf(profile.unitsPerSlot)}</Fact>
        <Fact name="Cost units a slot">{formatCount(profile.unitsPerSlot)}</Fact>
        <Fact name="Region">{profile.region}</Fact>
        <Fact name="Capabilities">
          {profile.capabilities === 0n ? <span className="faint">none</span> : bitsOf(profile.capabilities).join(", ")}
        </Fact>
        <Fact name="Least price">{formatCount(profile.priceFloor)} base units</Fact>
        <Fact name="Weight in draws">{formatCount(weight)}</Fact>
      </Facts>
    </Panel>
  );
}
