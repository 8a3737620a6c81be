/** Which node serves a session: the best ones that could, or any by its address. */
import { useMemo } from "react";
import { useNetwork, useSlot, useTable } from "../../data/hooks.ts";
import { formatCount } from "../../model/amounts.ts";
import { scorePercent } from "../../model/event-words.ts";
import { shortAddress } from "../../model/keys.ts";
import { ALL_NODES, filterNodes, largestBond, standing } from "../../model/node-view.ts";
import type { SessionDraft } from "../../model/session-offer.ts";
import { Badge, Note, Panel } from "../../ui/basics.tsx";
import { TextField } from "../../ui/field.tsx";
import { StakeAmount } from "../../ui/unit.tsx";

/** Nodes that are suggested. */
const SUGGESTED = 4;

/** Chooses the node. */
export function NodePanel({
  draft,
  fault,
  onChange,
}: {
  draft: SessionDraft;
  fault: string | undefined;
  onChange: (change: Partial<SessionDraft>) => void;
}) {
  const rows = useTable("node").rows;
  const network = useNetwork()?.data;
  const slot = useSlot();
  const now = slot - (slot % 50n);
  const suggested = useMemo(
    () =>
      filterNodes(rows, { ...ALL_NODES, standings: new Set(["Ready", "Working"]), sort: "score" }, network, now)
        .filter(({ data }) => data.endpoint !== "")
        .slice(0, SUGGESTED),
    [rows, network, now],
  );
  const chosen = rows.find(({ address }) => address === draft.node.trim());
  return (
    <Panel
      title="Node"
      foot="A node's own rules come on top: whether it takes sessions, how many, and at which price. It has its time to accept, and you have everything back if it does not."
    >
      <div className="stack">
        {suggested.length === 0 && <p className="muted">No node that serves at an address is ready now.</p>}
        <fieldset className="stack" style={{ gap: 8, border: 0, padding: 0, margin: 0 }}>
          <legend className="visually-hidden">Nodes with the best reputation</legend>
          {suggested.map(({ address, data }) => (
            <label key={address} className="choice">
              <input
                type="radio"
                name="node"
                checked={address === draft.node}
                onChange={() => onChange({ node: address })}
              />
              <strong className="mono">{shortAddress(address)}</strong>
              <span className="small muted">
                reputation {scorePercent(data.score[0])} · {formatCount(data.jobsSettled)} settled · bond up to{" "}
                <StakeAmount value={largestBond(data, network?.parameters.dispute.slashBps ?? 0)} short /> ·{" "}
                {data.endpoint}
              </span>
            </label>
          ))}
        </fieldset>
        <TextField
          label="Address of the node"
          value={draft.node}
          onChange={(node) => onChange({ node })}
          mono
          error={fault}
          hint={
            chosen !== undefined && (
              <>
                <Badge tone={standing(chosen.data, network, slot).tone}>
                  {standing(chosen.data, network, slot).name}
                </Badge>{" "}
                {standing(chosen.data, network, slot).sentence}
              </>
            )
          }
        />
        {chosen?.data.endpoint === "" && (
          <Note tone="warn" title="This node serves at no address.">
            Requests could not reach it; choose another one.
          </Note>
        )}
        {draft.node !== "" && fault === undefined && chosen === undefined && (
          <Note tone="warn" title="No node that exists has this address." />
        )}
      </div>
    </Panel>
  );
}
