/** One session. */
import { SessionState } from "@assay/client/generated";
import { isAddress } from "@solana/kit";
import { useState } from "react";
import { useMarket, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatBasisPoints, formatCount } from "../model/amounts.ts";
import { hex, shortAddress } from "../model/keys.ts";
import { balanceLeft, paidRequests, sessionDeadline, sessionWords } from "../model/session-view.ts";
import { formatRelative } from "../model/time.ts";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import { sessionPlans } from "../transact/plans/sessions.ts";
import { Review } from "../transact/review.tsx";
import { AddressText, HashText } from "../ui/address.tsx";
import { Badge, Button, Fact, Facts, Figure, Meter, Panel } from "../ui/basics.tsx";
import { HistoryPanel } from "../ui/history.tsx";
import { JobBadge, When } from "../ui/job-bits.tsx";
import { Missing } from "../ui/missing.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { Amount, StakeAmount, useUnit, withSymbol } from "../ui/unit.tsx";

export default function SessionPage({ address }: { address: string }) {
  const table = useTable("session");
  const row = isAddress(address) ? table.byAddress.get(address) : undefined;
  return (
    <Loaded table={table} what="session">
      {row === undefined ? (
        <Missing address={address} kind="Session" list={{ to: "/sessions", name: "Sessions" }}>
          It was closed, it never existed, or it is on another network.
        </Missing>
      ) : (
        <Existing row={row} />
      )}
    </Loaded>
  );
}

function Existing({ row }: { row: Row<"session"> }) {
  const { address, data } = row;
  const slot = useSlot();
  const { pace } = useMarket();
  const { name, tone, sentence } = sessionWords(data, slot);
  const next = sessionDeadline(data, slot);
  const paidShare = data.balance === 0n ? 0 : Number((data.paid * 1000n) / data.balance) / 1000;
  return (
    <>
      <PageHead
        title={`Session ${shortAddress(address)}`}
        back={{ to: "/sessions", name: "Sessions" }}
        badge={<Badge tone={tone}>{name}</Badge>}
        lead={sentence}
        actions={<Actions row={row} />}
      />
      <div className="stack">
        <div className="figures">
          <Figure name="Requests paid" value={formatCount(paidRequests(data))} note="by the vouchers on record" />
          <Figure
            name="A request"
            value={<Amount value={data.price} mint={data.paymentMint} />}
            note={`${formatBasisPoints(data.protocolFeeBps)} of it to the protocol`}
          />
          <Figure
            name="Balance"
            value={<Amount value={data.balance} mint={data.paymentMint} short />}
            note={
              <>
                <Amount value={balanceLeft(data)} mint={data.paymentMint} short /> of it unspent
              </>
            }
          />
          <Figure
            name="Next"
            value={next === undefined ? "ended" : formatRelative(next.last, slot, pace.slotMs)}
            note={next === undefined ? "nothing is awaited" : `then it ${next.afterwards}`}
          />
        </div>
        <div className="grid-2">
          <div className="stack">
            <Panel title="Balance">
              <Meter share={paidShare} tone="gold" label="Share of the balance that vouchers have spent" />
              <Facts numbers>
                <Fact name="Paid by vouchers on record">
                  <Amount value={data.paid} mint={data.paymentMint} />
                </Fact>
                <Fact name="Unspent">
                  <Amount value={balanceLeft(data)} mint={data.paymentMint} />
                </Fact>
                <Fact name="Bond of the node">
                  <StakeAmount value={data.bond} />
                </Fact>
                {data.credits.client > 0n && (
                  <Fact name="Owed to the client">
                    <Amount value={data.credits.client} mint={data.paymentMint} />
                  </Fact>
                )}
                {data.credits.node > 0n && (
                  <Fact name="Owed to the node">
                    <Amount value={data.credits.node} mint={data.paymentMint} />
                  </Fact>
                )}
              </Facts>
            </Panel>
            <Receipts row={row} />
            <HistoryPanel address={address} version={`${data.state} ${data.paid} ${data.openReceipts}`} />
          </div>
          <Panel title="Parties and terms">
            <Facts>
              <Fact name="Client">
                <AddressText value={data.client} what="address of the client" />
              </Fact>
              <Fact name="Node">
                <AddressText value={data.node} to={`/nodes/${data.node}`} what="address of the node" />
              </Fact>
              <Fact name="Voucher key">
                <AddressText value={data.voucherKey} what="address of the voucher key" />
              </Fact>
              <Fact name="Graph">
                <HashText value={hex(data.graphRoot)} what="root of the graph" />
              </Fact>
              <Fact name="Weights">
                <HashText value={hex(data.paramsRoot)} what="root of the weights" />
              </Fact>
              <Fact name="Offered">
                <When slot={data.offeredSlot} />
              </Fact>
              {data.acceptedSlot > 0n && (
                <Fact name="Accepted">
                  <When slot={data.acceptedSlot} />
                </Fact>
              )}
              {data.state !== SessionState.Offered && data.endsSlot > 0n && (
                <Fact name="Serves until">
                  <When slot={data.endsSlot} />
                </Fact>
              )}
              <Fact name="Window after the end">{formatCount(data.windowSlots)} slots</Fact>
            </Facts>
          </Panel>
        </div>
      </div>
    </>
  );
}

function Actions({ row }: { row: Row<"session"> }) {
  const { signer } = useSigning();
  const slot = useSlot();
  const unit = useUnit(row.data.paymentMint);
  const record = useTable("paymentMint").rows.find(({ data }) => data.mint === row.data.paymentMint)?.data;
  const [plan, setPlan] = useState<Plan>();
  const token = record === undefined ? undefined : { mint: record.mint, tokenProgram: record.tokenProgram };
  const plans = sessionPlans(row, signer?.address, token, slot, (value) => withSymbol(value, unit));
  return (
    <>
      {plans.map((one) => (
        <Button key={one.title} onClick={() => setPlan(one)}>
          {one.title}
        </Button>
      ))}
      {plan !== undefined && <Review plan={plan} onClose={() => setPlan(undefined)} />}
    </>
  );
}

function Receipts({ row }: { row: Row<"session"> }) {
  const receipts = useTable("job").rows.filter(({ data }) => data.session === row.address);
  return (
    <Panel title="Receipts that were called in" flush>
      {receipts.length === 0 ? (
        <p className="muted" style={{ padding: "var(--space-4)" }}>
          {row.data.receiptsOpened === 0n
            ? "Nobody has called a receipt in. Whoever doubts an answer can, and then it is a committed result like any other."
            : `${formatCount(row.data.receiptsOpened)} were called in and have ended.`}
        </p>
      ) : (
        <table className="table">
          <tbody>
            {receipts.map(({ address, data }) => (
              <tr key={address}>
                <td>
                  <AddressText value={address} to={`/jobs/${address}`} what="address of the receipt" />
                </td>
                <td>request {formatCount(data.jobId)}</td>
                <td className="end">
                  <JobBadge state={data.state} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
