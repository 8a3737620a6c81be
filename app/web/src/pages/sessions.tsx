/** All sessions. */
import { MessagesSquare, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatCount } from "../model/amounts.ts";
import { shortAddress } from "../model/keys.ts";
import { paidRequests, sessionWords } from "../model/session-view.ts";
import { CopyButton } from "../ui/address.tsx";
import { Badge, ButtonLink, Nothing } from "../ui/basics.tsx";
import { Chips, toggled } from "../ui/field.tsx";
import { type Column, Grid } from "../ui/grid.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { Amount } from "../ui/unit.tsx";

const NAMES = ["Offered", "Active", "In window", "Settled", "Convicted", "Expired", "Cancelled"];

export default function Sessions() {
  const table = useTable("session");
  const slot = useSlot();
  const now = slot - (slot % 25n);
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(
    () =>
      table.rows
        .filter(({ data }) => chosen.size === 0 || chosen.has(sessionWords(data, now).name))
        .sort((a, b) => (a.data.offeredSlot < b.data.offeredSlot ? 1 : -1)),
    [table.rows, chosen, now],
  );
  const columns = useMemo<readonly Column<Row<"session">>[]>(
    () => [
      {
        key: "session",
        name: "Session",
        width: "minmax(150px, 1fr)",
        cell: ({ address }) => (
          <span className="address">
            <Link href={`/sessions/${address}`} className="row-link">
              {shortAddress(address)}
            </Link>
            <CopyButton text={address} what="address of the session" />
          </span>
        ),
      },
      {
        key: "state",
        name: "State",
        width: "120px",
        phone: "top",
        cell: ({ data }) => {
          const { name, tone } = sessionWords(data, now);
          return <Badge tone={tone}>{name}</Badge>;
        },
      },
      {
        key: "node",
        name: "Node",
        width: "minmax(120px, 1fr)",
        cell: ({ data }) => (
          <span className="address">
            <Link href={`/nodes/${data.node}`}>{shortAddress(data.node)}</Link>
            <CopyButton text={data.node} what="address of the node" />
          </span>
        ),
      },
      {
        key: "price",
        name: "A request",
        width: "minmax(110px, 0.8fr)",
        end: true,
        cell: ({ data }) => <Amount value={data.price} mint={data.paymentMint} />,
      },
      {
        key: "requests",
        name: "Requests paid",
        width: "110px",
        end: true,
        cell: ({ data }) => formatCount(paidRequests(data)),
      },
      {
        key: "balance",
        name: "Balance",
        width: "minmax(110px, 0.8fr)",
        end: true,
        phone: "bottom",
        cell: ({ data }) => <Amount value={data.balance} mint={data.paymentMint} short />,
      },
    ],
    [now],
  );
  const names = NAMES.map((name) => ({
    key: name,
    name,
    count: table.rows.filter(({ data }) => sessionWords(data, now).name === name).length,
  }));
  return (
    <>
      <PageHead
        title="Sessions"
        lead="A session keeps a model warm on one node. Every answer carries a signed receipt that is as slashable as a committed result."
        actions={
          <ButtonLink to="/sessions/new" look="primary" icon={Plus}>
            Open a session
          </ButtonLink>
        }
      />
      <section className="panel" aria-label="Sessions">
        {table.rows.length > 0 && (
          <div className="filters">
            <Chips
              label="Filter by state"
              options={names.filter(({ count, key }) => count > 0 || chosen.has(key))}
              chosen={chosen}
              onToggle={(key) => choose(toggled(chosen, key))}
            />
          </div>
        )}
        <Loaded table={table} what="sessions">
          {rows.length > 0 ? (
            <Grid rows={rows} columns={columns} rowKey={({ address }) => address} label="Sessions" rowHeight={52} />
          ) : (
            <Nothing icon={MessagesSquare} title={table.rows.length === 0 ? "No sessions" : "No session matches"}>
              {table.rows.length === 0 ? (
                <>
                  A client opens one, here or with <code>assay session open</code>, and then asks over HTTP, with
                  answers in milliseconds.
                </>
              ) : (
                "All of them are hidden by the filter."
              )}
            </Nothing>
          )}
        </Loaded>
      </section>
    </>
  );
}
