/** All jobs, chosen and ordered. */
import type { JobState } from "@assay/client/generated";
import { Layers, Plus, SearchX } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { useJobLines } from "../data/index-hooks.ts";
import { formatCount } from "../model/amounts.ts";
import { ALL_JOBS, countByState, filterJobs, type JobSort, knownPrice } from "../model/job-filter.ts";
import { isClosed, type JobLine } from "../model/job-line.ts";
import { JOB_STATES, stateWords } from "../model/job-state.ts";
import { hex, shortAddress } from "../model/keys.ts";
import { useSigning } from "../transact/context.tsx";
import { CopyButton } from "../ui/address.tsx";
import { Button, ButtonLink, Nothing } from "../ui/basics.tsx";
import { Chips, SearchField, SelectField, toggled } from "../ui/field.tsx";
import { type Column, Grid } from "../ui/grid.tsx";
import { JobBadge, NextDeadline, When } from "../ui/job-bits.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { SourceTag } from "../ui/source.tsx";
import { Amount } from "../ui/unit.tsx";

const SORTS: ReadonlyArray<readonly [JobSort, string]> = [
  ["newest", "Newest first"],
  ["deadline", "Next deadline first"],
  ["price", "Highest price first"],
];

const COLUMNS: readonly Column<JobLine>[] = [
  {
    key: "job",
    name: "Job",
    width: "minmax(150px, 1.2fr)",
    cell: ({ address, data }) => (
      <>
        <span className="address">
          <Link href={`/jobs/${address}`} className="row-link">
            {shortAddress(address)}
          </Link>
          <CopyButton text={address} what="address of the job" />
        </span>
        <div className="cell-sub">
          <When slot={data.postedSlot} />
        </div>
      </>
    ),
  },
  { key: "state", name: "State", width: "110px", phone: "top", cell: ({ data }) => <JobBadge state={data.state} /> },
  {
    key: "model",
    name: "Graph",
    width: "minmax(110px, 1fr)",
    cell: ({ data }) => (
      <span className="address">
        <span>{hex(data.graphRoot).slice(0, 10)}</span>
        <CopyButton text={hex(data.graphRoot)} what="root of the graph" />
      </span>
    ),
  },
  {
    key: "client",
    name: "Client",
    width: "minmax(120px, 1fr)",
    cell: ({ data }) => (
      <span className="address">
        <span>{shortAddress(data.client)}</span>
        <CopyButton text={data.client} what="address of the client" />
      </span>
    ),
  },
  {
    key: "node",
    name: "Node",
    width: "minmax(120px, 1fr)",
    cell: ({ data }) =>
      data.claimedSlot === 0n ? (
        <span className="faint">not claimed</span>
      ) : (
        <span className="address">
          <Link href={`/nodes/${data.node}`}>{shortAddress(data.node)}</Link>
          <CopyButton text={data.node} what="address of the node" />
        </span>
      ),
  },
  {
    key: "price",
    name: "Price",
    width: "minmax(110px, 0.8fr)",
    end: true,
    phone: "bottom",
    cell: ({ data }) => (
      <>
        <Amount value={knownPrice(data)} mint={data.paymentMint} short />
        {data.claimedSlot === 0n && <div className="cell-sub">at most</div>}
      </>
    ),
  },
  {
    key: "next",
    name: "Next step",
    width: "110px",
    end: true,
    cell: (line) => <span className="muted">{isClosed(line) ? "closed" : <NextDeadline job={line.data} />}</span>,
  },
];

export default function Jobs() {
  const [search, setSearch] = useSearchParams();
  const withClosed = search.get("closed") !== null;
  const table = useJobLines(withClosed);
  const { signer } = useSigning();
  const [mine, setMine] = useState(false);
  const text = search.get("text") ?? "";
  const sort = SORTS.find(([key]) => key === search.get("sort"))?.[0] ?? "newest";
  const states = useMemo(
    () => new Set((search.get("state") ?? "").split(",").filter(Boolean).map(Number) as JobState[]),
    [search],
  );
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
  const deferred = useDeferredValue(text);
  const rows = useMemo(
    () =>
      filterJobs(table.rows, { ...ALL_JOBS, text: deferred, states, sort, mine: mine ? signer?.address : undefined }),
    [table.rows, deferred, states, sort, mine, signer],
  );
  const counts = useMemo(() => countByState(table.rows), [table.rows]);
  const options = JOB_STATES.filter((state) => counts.has(state) || states.has(state)).map((state) => ({
    key: state,
    name: stateWords(state).name,
    count: counts.get(state) ?? 0,
  }));
  const clear = () => {
    setMine(false);
    setSearch(new URLSearchParams(), { replace: true });
  };
  return (
    <>
      <PageHead
        title="Jobs"
        lead={
          table.state === "ready"
            ? `${formatCount(rows.length)} of ${formatCount(table.rows.length)} that ${withClosed ? "exist on-chain or were closed" : "exist on-chain"}.`
            : "All jobs that exist on-chain."
        }
        actions={
          <ButtonLink to="/post" look="primary" icon={Plus}>
            Post a job
          </ButtonLink>
        }
      />
      <section className="panel" aria-label="Jobs">
        <div className="filters">
          <SearchField
            label="Filter by the begin of an address or of a graph root"
            placeholder="Begin of an address or of a graph root"
            value={text}
            onChange={(value) => set("text", value)}
          />
          <SelectField
            label="Order"
            small
            value={sort}
            options={SORTS}
            onChange={(next) => set("sort", next === "newest" ? "" : next)}
          />
          {signer !== undefined && (
            <button type="button" className="chip" aria-pressed={mine} onClick={() => setMine(!mine)}>
              Mine
            </button>
          )}
          {table.closed > 0 && (
            <button
              type="button"
              className="chip"
              aria-pressed={withClosed}
              title="Jobs whose accounts are gone, as the index remembers them"
              onClick={() => set("closed", withClosed ? "" : "1")}
            >
              Closed too
              <span className="count">{formatCount(table.closed)}</span>
            </button>
          )}
          <SourceTag source={table.source} />
        </div>
        {options.length > 1 && (
          <div className="filters">
            <Chips
              label="Filter by state"
              options={options}
              chosen={states}
              onToggle={(key) => set("state", [...toggled(states, key)].join(","))}
            />
          </div>
        )}
        <Loaded table={table} what="jobs">
          {rows.length > 0 ? (
            <Grid rows={rows} columns={COLUMNS} rowKey={(row) => row.address} label="Jobs" />
          ) : table.rows.length === 0 ? (
            <Nothing icon={Layers} title="No jobs yet" actions={<ButtonLink to="/post">Post the first</ButtonLink>}>
              Whoever needs something computed posts a job with its price in escrow.
            </Nothing>
          ) : (
            <Nothing icon={SearchX} title="No job matches" actions={<Button onClick={clear}>Clear the filters</Button>}>
              All {formatCount(table.rows.length)} jobs are hidden by the filters.
            </Nothing>
          )}
        </Loaded>
      </section>
    </>
  );
}
