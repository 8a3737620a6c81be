/** All nodes, chosen and ordered. */
import { confidenceOf } from "@assay/client";
import { SearchX, Server } from "lucide-react";
import { useDeferredValue, useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { useNetwork, useSlot } from "../data/hooks.ts";
import { useNodeLines } from "../data/index-hooks.ts";
import { formatBasisPoints, formatCount } from "../model/amounts.ts";
import { scorePercent } from "../model/event-words.ts";
import { shortAddress } from "../model/keys.ts";
import { isAccount, type NodeLine } from "../model/node-line.ts";
import { ALL_NODES, filterNodes, freeStake, lineStanding, type NodeFilter } from "../model/node-view.ts";
import { CopyButton } from "../ui/address.tsx";
import { Badge, Button, ButtonLink, Nothing } from "../ui/basics.tsx";
import { Chips, SearchField, SelectField, toggled } from "../ui/field.tsx";
import { type Column, Grid } from "../ui/grid.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { SourceTag } from "../ui/source.tsx";
import { StakeAmount } from "../ui/unit.tsx";

const SORTS: ReadonlyArray<readonly [NodeFilter["sort"], string]> = [
  ["stake", "Largest stake first"],
  ["score", "Best reputation first"],
  ["free", "Most free stake first"],
  ["settled", "Most settled jobs first"],
  ["newest", "Newest first"],
];

const STANDINGS = [
  "Ready",
  "Working",
  "Full",
  "Maintenance",
  "Missing",
  "Jailed",
  "Below minimum",
  "Frozen",
  "Convicted",
];

export default function Nodes() {
  const table = useNodeLines();
  const network = useNetwork()?.data;
  const slot = useSlot();
  // Standings change with time, but a list need not be sorted anew with every slot.
  const now = slot - (slot % 25n);
  const [search, setSearch] = useSearchParams();
  const text = search.get("text") ?? "";
  const sort = SORTS.find(([key]) => key === search.get("sort"))?.[0] ?? "stake";
  const standings = useMemo(() => new Set((search.get("standing") ?? "").split(",").filter(Boolean)), [search]);
  const deferred = useDeferredValue(text);
  const rows = useMemo(
    () => filterNodes(table.rows, { ...ALL_NODES, text: deferred, standings, sort }, network, now),
    [table.rows, deferred, standings, sort, network, now],
  );
  const counts = useMemo(() => {
    const found = new Map<string, number>();
    for (const line of table.rows) {
      const { name } = lineStanding(line, network, now);
      found.set(name, (found.get(name) ?? 0) + 1);
    }
    return found;
  }, [table.rows, network, now]);
  const set = (name: string, value: string) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === "") next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const columns = useMemo<readonly Column<NodeLine>[]>(
    () => [
      {
        key: "node",
        name: "Node",
        width: "minmax(150px, 1.1fr)",
        cell: ({ address, data }) => (
          <>
            <span className="address">
              <Link href={`/nodes/${address}`} className="row-link">
                {shortAddress(address)}
              </Link>
              <CopyButton text={address} what="address of the node" />
            </span>
            <div className="cell-sub clip">{data.endpoint === "" ? "no endpoint" : data.endpoint}</div>
          </>
        ),
      },
      {
        key: "standing",
        name: "Standing",
        width: "130px",
        phone: "top",
        cell: (line) => {
          const { name, tone } = lineStanding(line, network, now);
          return <Badge tone={tone}>{name}</Badge>;
        },
      },
      {
        key: "stake",
        name: "Stake",
        width: "minmax(120px, 0.8fr)",
        end: true,
        phone: "bottom",
        cell: ({ data }) => <StakeAmount value={data.stake} short />,
      },
      {
        key: "free",
        name: "Free",
        width: "minmax(120px, 0.8fr)",
        end: true,
        cell: ({ data }) => <StakeAmount value={freeStake(data)} short />,
      },
      { key: "open", name: "Open jobs", width: "90px", end: true, cell: ({ data }) => formatCount(data.openJobs) },
      { key: "settled", name: "Settled", width: "90px", end: true, cell: ({ data }) => formatCount(data.jobsSettled) },
      {
        key: "score",
        name: "Reputation",
        width: "100px",
        end: true,
        cell: (line) => {
          if (!isAccount(line)) return scorePercent(line.data.score[0]);
          const { observedBps, lowerBoundBps } = confidenceOf(line.data.evidence);
          return observedBps === null ? <span className="faint">new</span> : formatBasisPoints(lowerBoundBps);
        },
      },
    ],
    [network, now],
  );
  return (
    <>
      <PageHead
        title="Nodes"
        lead={
          table.state === "ready"
            ? `${formatCount(rows.length)} of ${formatCount(table.rows.length)} machines that stake on being right.`
            : "Machines that stake on being right."
        }
        actions={<ButtonLink to="/stake">Stake on a node</ButtonLink>}
      />
      <section className="panel" aria-label="Nodes">
        <div className="filters">
          <SearchField
            label="Filter by the begin of an address or a part of an endpoint"
            placeholder="Begin of an address, or a part of an endpoint"
            value={text}
            onChange={(value) => set("text", value)}
          />
          <SelectField
            label="Order"
            small
            value={sort}
            options={SORTS}
            onChange={(next) => set("sort", next === "stake" ? "" : next)}
          />
          <SourceTag source={table.source} />
        </div>
        {counts.size > 1 && (
          <div className="filters">
            <Chips
              label="Filter by standing"
              options={STANDINGS.filter((name) => counts.has(name) || standings.has(name)).map((name) => ({
                key: name,
                name,
                count: counts.get(name) ?? 0,
              }))}
              chosen={standings}
              onToggle={(key) => set("standing", [...toggled(standings, key)].join(","))}
            />
          </div>
        )}
        <Loaded table={table} what="nodes">
          {rows.length > 0 ? (
            <Grid rows={rows} columns={columns} rowKey={(row) => row.address} label="Nodes" />
          ) : table.rows.length === 0 ? (
            <Nothing icon={Server} title="No nodes yet">
              A node appears here when its operator runs <code>assay node init</code>.
            </Nothing>
          ) : (
            <Nothing
              icon={SearchX}
              title="No node matches"
              actions={
                <Button onClick={() => setSearch(new URLSearchParams(), { replace: true })}>Clear the filters</Button>
              }
            >
              All {formatCount(table.rows.length)} nodes are hidden by the filters.
            </Nothing>
          )}
        </Loaded>
      </section>
    </>
  );
}
