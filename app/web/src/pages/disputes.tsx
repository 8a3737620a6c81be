/** All disputes. */
import { Fault } from "@assay/client/generated";
import { Gavel } from "lucide-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useTable } from "../data/hooks.ts";
import { useIndex, useIndexRows, useIndexStanding } from "../data/index-hooks.ts";
import { formatCount } from "../model/amounts.ts";
import { type Dispute, disputes, isOpen } from "../model/dispute-view.ts";
import { slotText } from "../model/event-words.ts";
import type { IndexedJob } from "../model/job-line.ts";
import { faultSentence } from "../model/job-state.ts";
import { shortAddress } from "../model/keys.ts";
import { CopyButton } from "../ui/address.tsx";
import { Badge, Nothing, Panel } from "../ui/basics.tsx";
import { Chips, toggled } from "../ui/field.tsx";
import { type Column, Grid } from "../ui/grid.tsx";
import { JobBadge } from "../ui/job-bits.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { SourceTag } from "../ui/source.tsx";
import { StakeAmount } from "../ui/unit.tsx";

/** All disputes of the market, kept up. */
export function useDisputes(): readonly Dispute[] {
  const jobs = useTable("job").byAddress;
  const challenges = useTable("challenge").rows;
  const demands = useTable("demand").rows;
  const claims = useTable("segmentClaim").rows;
  return useMemo(() => disputes(jobs, challenges, demands, claims), [jobs, challenges, demands, claims]);
}

const COLUMNS: readonly Column<Dispute>[] = [
  {
    key: "job",
    name: "Job",
    width: "minmax(150px, 0.8fr)",
    cell: ({ job }) => (
      <span className="address">
        <Link href={`/disputes/${job.address}`} className="row-link">
          {shortAddress(job.address)}
        </Link>
        <CopyButton text={job.address} what="address of the job" />
      </span>
    ),
  },
  {
    key: "standing",
    name: "Dispute",
    width: "120px",
    phone: "top",
    cell: (dispute) => <DisputeBadge dispute={dispute} />,
  },
  {
    key: "what",
    name: "What",
    width: "minmax(200px, 2fr)",
    cell: ({ job, challenges }) => (
      <span className="muted">
        {job.data.record.fault === Fault.None
          ? `${challenges.length === 1 ? "One challenge" : `${challenges.length} challenges`} of a committed result`
          : faultSentence(job.data.record.fault)}
      </span>
    ),
  },
  {
    key: "node",
    name: "Node",
    width: "minmax(120px, 0.8fr)",
    cell: ({ job }) => (
      <span className="address">
        <Link href={`/nodes/${job.data.node}`}>{shortAddress(job.data.node)}</Link>
        <CopyButton text={job.data.node} what="address of the node" />
      </span>
    ),
  },
  { key: "job-state", name: "Job's state", width: "110px", cell: ({ job }) => <JobBadge state={job.data.state} /> },
  {
    key: "risk",
    name: "Bond at risk",
    width: "minmax(110px, 0.7fr)",
    end: true,
    phone: "bottom",
    cell: ({ job }) => <StakeAmount value={job.data.bond} short />,
  },
];

/** How a dispute stands. */
export function DisputeBadge({ dispute }: { dispute: Dispute }) {
  if (isOpen(dispute)) return <Badge tone="warn">Open</Badge>;
  return dispute.job.data.record.fault === Fault.None ? <Badge>Ended</Badge> : <Badge tone="bad">Proved</Badge>;
}

type Standing = "open" | "proved" | "ended";

function standingOf(dispute: Dispute): Standing {
  if (isOpen(dispute)) return "open";
  return dispute.job.data.record.fault === Fault.None ? "ended" : "proved";
}

export default function Disputes() {
  const challenges = useTable("challenge");
  const all = useDisputes();
  const [chosen, choose] = useState<ReadonlySet<Standing>>(new Set());
  const rows = useMemo(
    () => all.filter((dispute) => chosen.size === 0 || chosen.has(standingOf(dispute))),
    [all, chosen],
  );
  const count = (standing: Standing) => all.filter((dispute) => standingOf(dispute) === standing).length;
  return (
    <>
      <PageHead
        title="Disputes"
        lead={
          challenges.state === "ready"
            ? `${formatCount(count("open"))} open, ${formatCount(count("proved"))} proved. The program itself recomputes the one element in dispute; nobody votes.`
            : "The program itself recomputes the one element in dispute; nobody votes."
        }
      />
      <section className="panel" aria-label="Disputes">
        {all.length > 0 && (
          <div className="filters">
            <Chips
              label="Filter by standing"
              options={[
                { key: "open" as const, name: "Open", count: count("open") },
                { key: "proved" as const, name: "Proved", count: count("proved") },
                { key: "ended" as const, name: "Ended without a fault", count: count("ended") },
              ]}
              chosen={chosen}
              onToggle={(key) => choose(toggled(chosen, key))}
            />
          </div>
        )}
        <Loaded table={challenges} what="disputes">
          {rows.length > 0 ? (
            <Grid rows={rows} columns={COLUMNS} rowKey={({ job }) => job.address} label="Disputes" />
          ) : (
            <Nothing icon={Gavel} title={all.length === 0 ? "No disputes" : "No dispute matches"}>
              {all.length === 0
                ? "Nobody says that any of the results is wrong, and no job with a proven fault is left open."
                : "All of them are hidden by the filter."}
            </Nothing>
          )}
        </Loaded>
      </section>
      <Closed />
    </>
  );
}

/** Convictions whose accounts are gone, as far as an index remembers them. */
function Closed() {
  const index = useIndex();
  const state = useIndexStanding()?.state;
  const { jobs, isLoaded } = useIndexRows();
  const isKnown = index !== undefined && isLoaded && (state === "live" || state === "behind");
  return <ClosedConvictions jobs={isKnown ? jobs : undefined} />;
}

/** The same of these rows; `undefined` where no index tells any. */
export function ClosedConvictions({ jobs }: { jobs: readonly IndexedJob[] | undefined }) {
  if (jobs === undefined) {
    return (
      <p className="muted small" style={{ marginTop: 16 }}>
        Disputes that ended, were paid out and closed are not kept on-chain: an index remembers them, and none tells
        them now.
      </p>
    );
  }
  const convicted = jobs.filter(({ closedSlot, fault }) => closedSlot > 0n && fault !== Fault.None);
  return (
    <div style={{ marginTop: 16 }}>
      <Panel
        title="Convicted and closed"
        flush
        side={<SourceTag source="index" />}
        foot="Of the jobs that the index lists. Disputes that ended without a fault are in the histories of their jobs."
      >
        {convicted.length === 0 && (
          <p className="muted inset">The index lists no convicted job whose account is gone.</p>
        )}
        <ul className="feed history">
          {convicted.map(({ address, endedSlot, fault }) => (
            <li key={address}>
              <span className="faint small">{slotText(endedSlot)}</span>
              <span>
                <Link href={`/disputes/${address}`}>{shortAddress(address)}</Link> was disputed and convicted:{" "}
                {faultSentence(fault)}
              </span>
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}
