/** Why a node may or may not take one of the open jobs. */
import { JobState } from "@assay/client/generated";
import { useMemo } from "react";
import { useNetwork, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatCount } from "../model/amounts.ts";
import { OBSTACLE_WORDS, type Obstacle, obstacle } from "../model/eligibility.ts";
import { Fact, Facts, Panel } from "./basics.tsx";

/** Every job that is open now, by what the program would answer to this node's claim. */
export function ExplainNode({ row }: { row: Row<"node"> }) {
  const jobs = useTable("job").rows;
  const network = useNetwork()?.data;
  const slot = useSlot();
  const now = slot - (slot % 10n);
  const found = useMemo(() => {
    if (network === undefined) return undefined;
    const open = jobs.filter(({ data }) => data.state === JobState.Posted && now <= data.postedSlot + data.claimSlots);
    const reasons = new Map<Obstacle | "free", number>();
    for (const job of open) {
      const reason = obstacle(job, row, network, now) ?? "free";
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    return { open: open.length, reasons };
  }, [jobs, network, now, row]);
  if (found === undefined) return null;
  return (
    <Panel
      title="What it may claim now"
      foot="The program's rules, applied to this node and every open job. A node's own rules, such as its least price, come on top: assay node explain says them."
    >
      {found.open === 0 ? (
        <p className="muted">No job is open to claims at the moment.</p>
      ) : (
        <Facts numbers>
          {[...found.reasons].map(([reason, count]) => (
            <Fact key={reason} name={reason === "free" ? "It may claim them." : OBSTACLE_WORDS[reason]}>
              {formatCount(count)} of {formatCount(found.open)}
            </Fact>
          ))}
        </Facts>
      )}
    </Panel>
  );
}
