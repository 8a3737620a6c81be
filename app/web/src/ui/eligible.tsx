/** Which nodes could claim a job, and when. */
import { JobState, openingAt } from "@assay/client";
import { useMemo } from "react";
import { useMarket, useNetwork, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatCount } from "../model/amounts.ts";
import { asIfOpen, eligibility, OBSTACLE_WORDS, type Rules, upcoming } from "../model/eligibility.ts";
import { formatRelative } from "../model/time.ts";
import { AddressText } from "./address.tsx";
import { Fact, Facts, Panel } from "./basics.tsx";
import { StakeAmount } from "./unit.tsx";

/** Who may claim, and what keeps the others, by the rules of the program. */
export function EligibleNodes({ row }: { row: Row<"job"> }) {
  const nodes = useTable("node").rows;
  const network = useNetwork()?.data;
  const slot = useSlot();
  const open = row.data.state === JobState.Posted;
  // Claims open in steps of slots; an ended job need not be asked about with every one.
  const now = open ? slot : slot - (slot % 50n);
  const found = useMemo(
    () => (network === undefined ? undefined : eligibility(open ? row : asIfOpen(row, now), nodes, network, now)),
    [row, nodes, network, open, now],
  );
  if (found === undefined) return null;
  const { eligible, kept } = found;
  return (
    <Panel
      title={open ? "Who can claim it now" : "Who could take such a job now"}
      side={
        <span className="muted small">
          {formatCount(eligible.length)} of {formatCount(nodes.length)} nodes
        </span>
      }
      foot="By the rules of the program, applied here to the accounts of all nodes."
    >
      {open && <p className="muted">{openingText(row, slot)}</p>}
      {eligible.length > 0 && (
        <Facts numbers>
          {eligible.slice(0, 5).map((node) => (
            <Fact
              key={node.address}
              name={<AddressText value={node.address} to={`/nodes/${node.address}`} what="address of the node" />}
            >
              <StakeAmount value={node.data.stake} short />
            </Fact>
          ))}
        </Facts>
      )}
      {eligible.length > 5 && (
        <p className="small muted">and {formatCount(eligible.length - 5)} more, by their stake</p>
      )}
      {eligible.length === 0 && <p className="muted">No node could claim it now.</p>}
      {open && network !== undefined && <Next row={row} nodes={nodes} network={network} now={now} />}
      {kept.size > 0 && (
        <Facts numbers>
          {[...kept].map(([reason, count]) => (
            <Fact key={reason} name={OBSTACLE_WORDS[reason]}>
              {formatCount(count)}
            </Fact>
          ))}
        </Facts>
      )}
    </Panel>
  );
}

/** Whose turn comes next, and when. */
function Next({
  row,
  nodes,
  network,
  now,
}: {
  row: Row<"job">;
  nodes: readonly Row<"node">[];
  network: Rules;
  now: bigint;
}) {
  const { pace } = useMarket();
  const turns = useMemo(() => upcoming(row, nodes, network, now), [row, nodes, network, now]);
  if (turns.length === 0) return null;
  return (
    <>
      <p className="small muted" style={{ marginTop: 10 }}>
        {formatCount(turns.length)} more can claim later; the next of them:
      </p>
      <Facts numbers>
        {turns.slice(0, 4).map(({ node, slot, reason }) => (
          <Fact
            key={node.address}
            name={<AddressText value={node.address} to={`/nodes/${node.address}`} what="address of the node" />}
          >
            <span title={`Slot ${formatCount(slot)}. ${OBSTACLE_WORDS[reason]}`}>
              {formatRelative(slot, now, pace.slotMs)}
            </span>
          </Fact>
        ))}
      </Facts>
    </>
  );
}

/** How far claims have opened. */
function openingText({ data }: Row<"job">, slot: bigint): string {
  const opening = openingAt(data.sortition, slot);
  switch (opening.kind) {
    case "Closed":
      return `Claims open after slot ${formatCount(data.sortition.seedSlot)}, whose hash draws who comes first.`;
    case "Expected":
      return `Drawn by stake and reputation: about ${formatCount(opening.nodes)} ${opening.nodes === 1n ? "node" : "nodes"} at this step, twice as many at the next.`;
    case "All":
      return "Claims are open to every node that meets the terms.";
  }
}
