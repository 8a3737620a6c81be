/** Which nodes could claim a job. */
import { type Job, JobState } from "@assay/client/generated";
import { useMemo } from "react";
import { useNetwork, useTable } from "../data/hooks.ts";
import { formatCount } from "../model/amounts.ts";
import { eligibility, OBSTACLE_WORDS } from "../model/eligibility.ts";
import { AddressText } from "./address.tsx";
import { Fact, Facts, Panel } from "./basics.tsx";
import { StakeAmount } from "./unit.tsx";

/** Who could claim, and what keeps the others, by the rules of the program. */
export function EligibleNodes({ job }: { job: Job }) {
  const nodes = useTable("node").rows;
  const network = useNetwork()?.data;
  const found = useMemo(
    () => (network === undefined ? undefined : eligibility(job, nodes, network)),
    [job, nodes, network],
  );
  if (found === undefined) return null;
  const { eligible, kept } = found;
  const open = job.state === JobState.Posted;
  return (
    <Panel
      title={open ? "Who can claim it" : "Who could take such a job now"}
      side={
        <span className="muted small">
          {formatCount(eligible.length)} of {formatCount(nodes.length)} nodes
        </span>
      }
      foot="By the rules of the program, applied here to the accounts of all nodes."
    >
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
