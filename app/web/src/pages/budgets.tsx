/** Budgets: vaults out of which agents post jobs within limits. */
import type { BudgetLimits } from "@assay/client/generated";
import { Plus, Wallet } from "lucide-react";
import { useMemo, useState } from "react";
import { useMarket, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatCount } from "../model/amounts.ts";
import { isNobody, shortAddress } from "../model/keys.ts";
import { formatRelative, formatSlots } from "../model/time.ts";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import { closeBudget, periodLeft, revoke } from "../transact/plans/budgets.ts";
import { Review } from "../transact/review.tsx";
import { AddressText } from "../ui/address.tsx";
import { Badge, Button, Fact, Facts, Meter, Nothing, Panel } from "../ui/basics.tsx";
import { BudgetDialog, FillDialog } from "../ui/budget-dialog.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { Amount } from "../ui/unit.tsx";

export default function Budgets() {
  const table = useTable("budget");
  const { signer, choose } = useSigning();
  const own = useMemo(
    () =>
      table.rows.filter(
        ({ data }) => signer !== undefined && (data.owner === signer.address || data.agent === signer.address),
      ),
    [table.rows, signer],
  );
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead
        title="Budgets"
        lead="A vault of yours out of which an agent's key posts jobs: so much a job, so much a period, these models, these nodes. Refunds return to the vault."
        actions={
          signer !== undefined && (
            <Button look="primary" icon={Plus} onClick={() => setCreating(true)}>
              Create a budget
            </Button>
          )
        }
      />
      <Loaded table={table} what="budgets">
        {signer === undefined ? (
          <Panel>
            <Nothing
              icon={Wallet}
              title="Connect to see your budgets"
              actions={
                <Button look="primary" onClick={() => choose(true)}>
                  Connect
                </Button>
              }
            >
              {formatCount(table.rows.length)} budgets exist in this market.
            </Nothing>
          </Panel>
        ) : own.length === 0 ? (
          <Panel>
            <Nothing icon={Wallet} title="You have no budget">
              Create one to let a program or an AI agent buy compute without holding your key.
            </Nothing>
          </Panel>
        ) : (
          <div className="grid-even">
            {own.map((row) => (
              <BudgetPanel key={row.address} row={row} />
            ))}
          </div>
        )}
      </Loaded>
      {creating && <BudgetDialog taken={own.map(({ data }) => data.index)} onClose={() => setCreating(false)} />}
    </>
  );
}

function BudgetPanel({ row }: { row: Row<"budget"> }) {
  const { address, data } = row;
  const { signer } = useSigning();
  const slot = useSlot();
  const { pace } = useMarket();
  const record = useTable("paymentMint").rows.find((mint) => mint.data.mint === data.paymentMint)?.data;
  const openJobs = useTable("client").rows.find((client) => client.data.client === address)?.data.openJobs ?? 0;
  const [plan, setPlan] = useState<Plan>();
  const [filling, setFilling] = useState<"fund" | "withdraw">();
  const owner = signer?.address === data.owner;
  const expired = slot > data.limits.lastSlot;
  const left = periodLeft(data, slot);
  const spent = data.limits.maximumPeriodEscrow - left;
  const revoked = isNobody(data.agent);
  return (
    <Panel
      title={`Budget ${shortAddress(address)}`}
      side={
        <Badge tone={revoked ? "idle" : expired ? "warn" : "good"}>
          {revoked ? "No agent" : expired ? "Agent's time is over" : "Agent may post"}
        </Badge>
      }
      foot={
        owner && record !== undefined ? (
          <div className="row">
            <Button size="small" onClick={() => setFilling("fund")}>
              Add
            </Button>
            <Button size="small" onClick={() => setFilling("withdraw")}>
              Take out
            </Button>
            {!revoked && (
              <Button size="small" look="danger" onClick={() => setPlan(revoke(address))}>
                Revoke the agent
              </Button>
            )}
            <Button size="small" look="quiet" onClick={() => setPlan(closeBudget(row, record))}>
              Close
            </Button>
          </div>
        ) : undefined
      }
    >
      <div className="stack">
        <div>
          <div className="row" style={{ justifyContent: "space-between", marginBottom: 6 }}>
            <span>This period</span>
            <span className="muted small">
              <Amount value={left} mint={data.paymentMint} /> left
            </span>
          </div>
          <Meter
            share={
              data.limits.maximumPeriodEscrow === 0n
                ? 1
                : Number((spent * 1000n) / data.limits.maximumPeriodEscrow) / 1000
            }
            tone="gold"
            label="Share of the period's limit that is used up"
          />
        </div>
        <Facts>
          <Fact name="Vault of">
            <AddressText value={data.owner} what="address of the owner" />
          </Fact>
          <Fact name="Agent">
            <AddressText value={data.agent} what="address of the agent" />
          </Fact>
          <Fact name="A job, at most">
            <Amount value={data.limits.maximumJobEscrow} mint={data.paymentMint} />, price up to{" "}
            <Amount value={data.limits.maximumPrice} mint={data.paymentMint} />
          </Fact>
          <Fact name="A period">
            <Amount value={data.limits.maximumPeriodEscrow} mint={data.paymentMint} /> in{" "}
            {formatSlots(data.limits.periodSlots, pace.slotMs)}
          </Fact>
          <Fact name="Open jobs">
            {formatCount(openJobs)} of {formatCount(data.limits.maximumOpenJobs)}
          </Fact>
          <Fact name="Models and nodes">{scopeText(data.limits)}</Fact>
          <Fact name="Agent's time">
            {expired ? "over" : `ends ${formatRelative(data.limits.lastSlot, slot, pace.slotMs)}`}
          </Fact>
        </Facts>
      </div>
      {plan !== undefined && <Review plan={plan} onClose={() => setPlan(undefined)} />}
      {filling !== undefined && record !== undefined && (
        <FillDialog budget={address} mint={record} mode={filling} onClose={() => setFilling(undefined)} />
      )}
    </Panel>
  );
}

function scopeText({ anyGraph, graphs, anyNode, nodes }: BudgetLimits): string {
  const graphText = anyGraph ? "any model" : `${graphs.length} ${graphs.length === 1 ? "model" : "models"}`;
  const nodeText = anyNode ? "any node" : `${nodes.length} invited ${nodes.length === 1 ? "node" : "nodes"}`;
  return `${graphText}, ${nodeText}`;
}
