/** Governance: every parameter with its bounds, what is proposed, and what can be done about it. */
import type { NetworkParameters as Parameters } from "@assay/client/generated";
import { Landmark, PauseCircle } from "lucide-react";
import { useMemo, useState } from "react";
import { useMarket, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatBasisPoints, formatCount } from "../model/amounts.ts";
import { isNobody } from "../model/keys.ts";
import { allParameters, boundFault, changed, type Parameter } from "../model/parameters.ts";
import { changeSentence, changeTitle, STAGE_WORDS, stageOf } from "../model/proposal-view.ts";
import { formatRelative, formatSlots } from "../model/time.ts";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import { execute, pause, propose, veto, withdrawProposal } from "../transact/plans/governance.ts";
import { Review } from "../transact/review.tsx";
import { AddressText } from "../ui/address.tsx";
import { Badge, Button, Fact, Facts, Note, Nothing, Panel } from "../ui/basics.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { Measured, writeMeasure } from "../ui/measure.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { StakeAmount, useStakeUnit } from "../ui/unit.tsx";

export default function Governance() {
  const table = useTable("network");
  const [plan, setPlan] = useState<Plan>();
  const network = table.rows[0];
  return (
    <>
      <PageHead
        title="Governance"
        lead="Whatever governance changes waits where everybody sees it. Jobs that exist keep the terms that they were posted with."
        actions={network !== undefined && <HeadActions network={network} onPlan={setPlan} />}
      />
      <Loaded table={table} what="parameters">
        {network !== undefined && (
          <div className="grid-2">
            <div className="stack">
              <Queue network={network} onPlan={setPlan} />
              <ParametersPanel network={network} />
            </div>
            <div className="stack">
              <Powers network={network} />
              <Treasury network={network} />
            </div>
          </div>
        )}
      </Loaded>
      {plan !== undefined && <Review plan={plan} onClose={() => setPlan(undefined)} />}
    </>
  );
}

function HeadActions({ network: { data }, onPlan }: { network: Row<"network">; onPlan: (plan: Plan) => void }) {
  const { signer } = useSigning();
  const slot = useSlot();
  const [dialog, setDialog] = useState<"propose" | "pause">();
  const mayPause = signer !== undefined && signer.address === data.guardian && slot >= data.pauseAllowedSlot;
  return (
    <>
      {mayPause && (
        <Button icon={PauseCircle} look="danger" onClick={() => setDialog("pause")}>
          Pause new work
        </Button>
      )}
      {signer !== undefined && signer.address === data.authority && (
        <Button look="primary" icon={Landmark} onClick={() => setDialog("propose")}>
          Propose a change
        </Button>
      )}
      {dialog === "propose" && <ProposeDialog network={data} onClose={() => setDialog(undefined)} onPlan={onPlan} />}
      {dialog === "pause" && <PauseDialog onClose={() => setDialog(undefined)} onPlan={onPlan} />}
    </>
  );
}

function PauseDialog({ onClose, onPlan }: { onClose: () => void; onPlan: (plan: Plan) => void }) {
  const { pace } = useMarket();
  const [text, setText] = useState("9000");
  const slots = /^\d+$/.test(text) ? BigInt(text) : 0n;
  const fault = slots < 1n || slots > 216_000n ? "A pause lasts from 1 to 216,000 slots." : undefined;
  return (
    <Dialog
      title="Pause new work"
      onClose={onClose}
      foot={
        <Button
          look="primary"
          disabled={fault !== undefined}
          onClick={() => {
            onPlan(pause(slots, pace.slotMs));
            onClose();
          }}
        >
          Go on
        </Button>
      }
    >
      <TextField
        label="For how long"
        value={text}
        onChange={setText}
        unit="slots"
        inputMode="numeric"
        error={fault}
        hint={`About ${formatSlots(slots, pace.slotMs)}`}
      />
    </Dialog>
  );
}

function ProposeDialog({
  network,
  onClose,
  onPlan,
}: {
  network: Row<"network">["data"];
  onClose: () => void;
  onPlan: (plan: Plan) => void;
}) {
  const { pace } = useMarket();
  const unit = useStakeUnit();
  const parameters = allParameters(network);
  const [key, setKey] = useState(parameters[0]?.key ?? "");
  const chosen = parameters.find((parameter) => parameter.key === key);
  const [text, setText] = useState("");
  const value = /^\d+$/.test(text) ? BigInt(text) : undefined;
  const next = chosen === undefined || value === undefined ? undefined : chosen.write(network.parameters, value);
  const fault = next === undefined ? "Enter a whole number." : boundFault(network, next);
  const go = (parameters: Parameters) => {
    onPlan(propose({ __kind: "NetworkParameters", parameters }, network.proposals, network.timelockSlots, pace.slotMs));
    onClose();
  };
  return (
    <Dialog
      title="Propose a change"
      onClose={onClose}
      foot={
        <Button look="primary" disabled={fault !== undefined} onClick={() => next !== undefined && go(next)}>
          Go on
        </Button>
      }
    >
      <SelectField
        label="Parameter"
        value={key}
        options={parameters.map((one) => [one.key, one.name] as const)}
        onChange={setKey}
      />
      {chosen !== undefined && (
        <TextField
          label="New value, in base units"
          value={text}
          onChange={setText}
          inputMode="numeric"
          error={text === "" ? undefined : fault}
          hint={`${chosen.sentence} Now ${chosen.read(network.parameters)}; from ${chosen.least} to ${chosen.most}.${
            value === undefined ? "" : ` Entered: ${writeMeasure(value, chosen.measure, unit, pace.slotMs)}.`
          }`}
        />
      )}
    </Dialog>
  );
}

function Queue({ network, onPlan }: { network: Row<"network">; onPlan: (plan: Plan) => void }) {
  const proposals = useTable("proposal");
  const rows = useMemo(
    () => [...proposals.rows].sort((a, b) => (a.data.etaSlot < b.data.etaSlot ? -1 : 1)),
    [proposals.rows],
  );
  return (
    <Panel title="Proposed changes" side={<span className="muted small">{formatCount(rows.length)}</span>} flush>
      <Loaded table={proposals} what="proposals">
        {rows.length === 0 ? (
          <Nothing icon={Landmark} title="Nothing is proposed">
            A change shows here for at least {formatCount(network.data.timelockSlots)} slots before it can take effect.
          </Nothing>
        ) : (
          <ul>
            {rows.map((row) => (
              <ProposalItem key={row.address} row={row} network={network} onPlan={onPlan} />
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}

function ProposalItem({
  row,
  network,
  onPlan,
}: {
  row: Row<"proposal">;
  network: Row<"network">;
  onPlan: (plan: Plan) => void;
}) {
  const { signer } = useSigning();
  const slot = useSlot();
  const market = useMarket();
  const mints = useTable("paymentMint").rows.map(({ data }) => data);
  const { data } = row;
  const stage = stageOf(data, slot);
  const { name, tone } = STAGE_WORDS[stage];
  const vetoable = signer?.address === network.data.guardian && data.change.__kind !== "Guardian";
  return (
    <li style={{ padding: "var(--space-4)", borderBottom: "1px solid var(--line)" }}>
      <div className="row" style={{ justifyContent: "space-between" }}>
        <h3>
          {changeTitle(data.change)} <span className="faint">#{data.number.toString()}</span>
        </h3>
        <Badge tone={tone}>{name}</Badge>
      </div>
      <p className="muted">{changeSentence(data.change)}</p>
      {data.change.__kind === "NetworkParameters" && <Changes network={network.data} next={data.change.parameters} />}
      <div className="row" style={{ marginTop: 10, justifyContent: "space-between" }}>
        <span className="small muted">
          {stage === "waiting" && `Can be carried out ${formatRelative(data.etaSlot, slot, market.pace.slotMs)}`}
          {stage === "ready" && `Until ${formatRelative(data.lastSlot, slot, market.pace.slotMs)}, by anybody`}
          {stage === "expired" && "Nobody carried it out in time"} · proposed by{" "}
          <AddressText value={data.proposer} what="address of the proposer" />
        </span>
        <div className="row">
          {vetoable && (
            <Button size="small" look="danger" onClick={() => onPlan(veto(row))}>
              Veto
            </Button>
          )}
          {signer?.address === network.data.authority && (
            <Button size="small" onClick={() => onPlan(withdrawProposal(row))}>
              Take it back
            </Button>
          )}
          {signer !== undefined && stage === "ready" && (
            <Button size="small" look="primary" onClick={() => onPlan(execute(row, mints))}>
              Carry it out
            </Button>
          )}
        </div>
      </div>
    </li>
  );
}

function Changes({ network, next }: { network: Row<"network">["data"]; next: Parameters }) {
  const { pace } = useMarket();
  const unit = useStakeUnit();
  const list = changed(network, next);
  if (list.length === 0)
    return <p className="small muted">It would change nothing: the parameters are these already.</p>;
  return (
    <Facts>
      {list.map(({ parameter, before, after }) => (
        <Fact key={parameter.key} name={parameter.name}>
          <s className="faint">{writeMeasure(before, parameter.measure, unit, pace.slotMs)}</s>{" "}
          <strong>{writeMeasure(after, parameter.measure, unit, pace.slotMs)}</strong>
        </Fact>
      ))}
    </Facts>
  );
}

const GROUPS: ReadonlyArray<Parameter["group"]> = ["Market", "Windows", "Scheduling", "Disputes", "Audits"];

function ParametersPanel({ network: { data } }: { network: Row<"network"> }) {
  const parameters = useMemo(() => allParameters(data), [data]);
  return (
    <Panel title="Parameters" flush foot="The bounds are in the program: only an upgrade of it moves them.">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section className="table-wrap" tabIndex={0} aria-label="All parameters with their bounds">
        <table className="table parameters">
          <thead>
            <tr>
              <th>Parameter</th>
              <th className="end">Value</th>
              <th className="end">At least</th>
              <th className="end">At most</th>
            </tr>
          </thead>
          {GROUPS.map((group) => (
            <tbody key={group}>
              <tr>
                <td colSpan={4} className="small faint" style={{ paddingTop: 16 }}>
                  {group}
                </td>
              </tr>
              {parameters
                .filter((parameter) => parameter.group === group)
                .map((parameter) => (
                  <tr key={parameter.key}>
                    <td>
                      {parameter.name}
                      <div className="small muted">{parameter.sentence}</div>
                    </td>
                    <td className="end" data-label="Value">
                      <Measured value={parameter.read(data.parameters)} measure={parameter.measure} strong />
                    </td>
                    <td className="end small muted" data-label="At least">
                      <Measured value={parameter.least} measure={parameter.measure} />
                    </td>
                    <td className="end small muted" data-label="At most">
                      <Measured value={parameter.most} measure={parameter.measure} />
                    </td>
                  </tr>
                ))}
            </tbody>
          ))}
        </table>
      </section>
    </Panel>
  );
}

function Powers({ network: { data } }: { network: Row<"network"> }) {
  const slot = useSlot();
  const { pace } = useMarket();
  return (
    <Panel title="Who governs">
      <div className="stack">
        {data.development && (
          <Note tone="warn" title="A development network.">
            Its clocks may be seconds. Nothing on it should be of value.
          </Note>
        )}
        <Facts>
          <Fact name="Authority">
            <AddressText value={data.authority} what="address of the authority" />
            <div className="small muted">proposes changes</div>
          </Fact>
          {!isNobody(data.pendingAuthority) && (
            <Fact name="Named as the next">
              <AddressText value={data.pendingAuthority} what="address of the next authority" />
              <div className="small muted">has to accept</div>
            </Fact>
          )}
          <Fact name="Guardian">
            <AddressText value={data.guardian} what="address of the guardian" />
            <div className="small muted">vetoes changes and pauses new work, nothing else</div>
          </Fact>
          <Fact name="Timelock">
            {formatCount(data.timelockSlots)} slots, {formatSlots(data.timelockSlots, pace.slotMs)}
          </Fact>
          <Fact name="Pause">
            {data.pausedUntilSlot > slot
              ? `ends ${formatRelative(data.pausedUntilSlot, slot, pace.slotMs)}`
              : data.pauseAllowedSlot > slot
                ? `none; the next one ${formatRelative(data.pauseAllowedSlot, slot, pace.slotMs)} at the earliest`
                : "none"}
          </Fact>
        </Facts>
      </div>
    </Panel>
  );
}

function Treasury({ network: { data } }: { network: Row<"network"> }) {
  const mints = useTable("paymentMint").rows;
  const pool = useTable("rewardPool").rows[0]?.data;
  return (
    <Panel title="Mints and fees">
      <Facts>
        <Fact name="Stake mint">
          <AddressText value={data.stakeMint} what="address of the stake mint" />
        </Fact>
        {mints.map(({ data: mint }) => (
          <Fact key={mint.mint} name="Payment mint">
            <AddressText value={mint.mint} what="address of the payment mint" />
            <div className="small muted">
              {mint.enabled ? "taken for new jobs" : "no longer taken"}
              {mint.freezable && ", and its issuer can freeze payouts"}; {formatCount(mint.bondNumerator)} to{" "}
              {formatCount(mint.bondDenominator)} when bonds are sized
            </div>
          </Fact>
        ))}
        <Fact name="Share of fees that burns">{formatBasisPoints(data.feeBurnBps)} of fees in the stake mint</Fact>
        {pool !== undefined && (
          <>
            <Fact name="Burned so far">
              <StakeAmount value={pool.feesBurned} />
            </Fact>
            <Fact name="Rewards paid">
              <StakeAmount value={pool.rewardsPaid} />
            </Fact>
          </>
        )}
        <Fact name="Staked by validators">
          <StakeAmount value={data.validatorStake} />
        </Fact>
      </Facts>
    </Panel>
  );
}
