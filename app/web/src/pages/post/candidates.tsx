/** Which nodes could claim a job before it is posted, and what keeps the others. */
import type { PaymentMint } from "@assay/client";
import { useMemo } from "react";
import { useNetwork, useSlot, useTable } from "../../data/hooks.ts";
import { formatCount } from "../../model/amounts.ts";
import { asIfOpen, eligibility, NO_JOB, OBSTACLE_WORDS } from "../../model/eligibility.ts";
import type { Offer, Work } from "../../model/offer.ts";
import { Note } from "../../ui/basics.tsx";
import { templateJob } from "./template.ts";

/** Asks the program's rules about every node. */
export function Candidates({ work, offer, mint }: { work: Work; offer: Offer; mint: PaymentMint }) {
  const nodes = useTable("node").rows;
  const network = useNetwork()?.data;
  const slot = useSlot();
  const now = slot - (slot % 50n);
  const found = useMemo(
    () =>
      network === undefined
        ? undefined
        : eligibility(
            asIfOpen({ address: NO_JOB, data: templateJob(work, offer, mint, network) }, now),
            nodes,
            network,
            now,
          ),
    [work, offer, mint, nodes, network, now],
  );
  if (found === undefined) return null;
  const count = found.eligible.length;
  const kept = [...found.kept].sort(([, a], [, b]) => b - a).slice(0, 4);
  const others = kept.length > 0 && (
    <ul className="plain small">
      {kept.map(([reason, many]) => (
        <li key={reason}>
          {formatCount(many)}: {OBSTACLE_WORDS[reason]}
        </li>
      ))}
    </ul>
  );
  if (count === 0) {
    return (
      <Note tone="warn" title="No node could claim this now.">
        {nodes.length === 0
          ? "No node is registered."
          : "Ask for less of the nodes, offer a lower highest price so that the bond is smaller, or invite nobody."}
        {others}
      </Note>
    );
  }
  return (
    <Note title={`${formatCount(count)} of ${formatCount(nodes.length)} nodes could claim it now.`}>
      Whether they do is up to their own least prices.
      {others !== false && <div style={{ marginTop: 6 }}>What keeps the others:</div>}
      {others}
    </Note>
  );
}
