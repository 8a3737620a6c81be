/** The market at a glance. */
import { ChallengeState, JobState } from "@assay/client/generated";
import { Activity, Plus } from "lucide-react";
import { useMemo } from "react";
import { Link } from "wouter";
import { useMarket, useNetwork, useSeen, useSlot, useTable } from "../data/hooks.ts";
import { useIndexSeen, useJobLines, useNodeLines, useReadableIndex } from "../data/index-hooks.ts";
import type { Seen } from "../data/store.ts";
import { formatBasisPoints, formatCount, shareBasisPoints } from "../model/amounts.ts";
import { countByState } from "../model/job-filter.ts";
import type { JobLine } from "../model/job-line.ts";
import { JOB_STATES, stateWords } from "../model/job-state.ts";
import { shortAddress } from "../model/keys.ts";
import { recentPrices, stakeFigures, throughput } from "../model/market.ts";
import { recordWords } from "../model/record-words.ts";
import { formatSlots } from "../model/time.ts";
import { AddressText } from "../ui/address.tsx";
import { ButtonLink, Fact, Facts, Figure, Meter, Nothing, Panel } from "../ui/basics.tsx";
import { BarChart } from "../ui/charts.tsx";
import { JobBadge, NextDeadline, When } from "../ui/job-bits.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { SourceTag } from "../ui/source.tsx";
import { TotalsPanel } from "../ui/totals.tsx";
import { Amount, StakeAmount, useRecordWriters } from "../ui/unit.tsx";

/** Slots that the chart of results looks back. */
const CHART_SLOTS = 9_000n;
const CHART_BARS = 36;

export default function Overview() {
  const jobs = useJobLines(false);
  return (
    <>
      <PageHead
        title="Overview"
        lead="Every result here is committed to on-chain before it is paid, and anybody can prove a wrong one wrong."
        actions={
          <ButtonLink to="/post" look="primary" icon={Plus}>
            Post a job
          </ButtonLink>
        }
      />
      <Loaded table={jobs} what="market">
        <div className="stack">
          <Figures />
          <div className="grid-2">
            <div className="stack">
              <Throughput />
              <TotalsPanel />
              <LiveJobs />
            </div>
            <div className="stack">
              <States />
              <Prices />
              <Feed />
            </div>
          </div>
        </div>
      </Loaded>
    </>
  );
}

function Figures() {
  const { rows: jobs } = useJobLines(false);
  const { rows: nodes } = useNodeLines();
  const challenges = useTable("challenge").rows;
  const counts = useMemo(() => countByState(jobs), [jobs]);
  const stake = useMemo(() => stakeFigures(nodes), [nodes]);
  const open = [JobState.Posted, JobState.Claimed, JobState.Committed, JobState.Accepted];
  const openJobs = open.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0);
  const disputes = challenges.filter(
    ({ data }) => data.state === ChallengeState.Sealed || data.state === ChallengeState.Revealed,
  );
  return (
    <div className="figures">
      <Figure
        name="Open jobs"
        value={formatCount(openJobs)}
        note={`${formatCount(counts.get(JobState.Posted) ?? 0)} wait for a node, ${formatCount(counts.get(JobState.Claimed) ?? 0)} run`}
      />
      <Figure
        name="Nodes"
        value={formatCount(stake.nodes)}
        note={
          stake.convicted === 0 ? "none was ever convicted" : `${formatCount(stake.convicted)} convicted of a fault`
        }
      />
      <Figure
        name="Staked by nodes"
        value={<StakeAmount value={stake.stake} short />}
        note={`${formatBasisPoints(shareBasisPoints(stake.locked, stake.stake))} is locked in bonds`}
      />
      <Figure
        name="Open disputes"
        value={formatCount(disputes.length)}
        note={`${formatCount(counts.get(JobState.Convicted) ?? 0)} convictions among the jobs that exist`}
      />
    </div>
  );
}

function Throughput() {
  const { rows: jobs, source } = useJobLines(false);
  const market = useMarket();
  const slot = useSlot();
  // Drawn anew ten times a bar, not with every slot.
  const now = slot - (slot % (CHART_SLOTS / BigInt(CHART_BARS * 10)));
  const buckets = useMemo(() => throughput(jobs, now, CHART_SLOTS, CHART_BARS), [jobs, now]);
  const total = buckets.reduce((sum, bucket) => sum + bucket.committed + bucket.convicted, 0);
  const span = formatSlots(CHART_SLOTS, market.pace.slotMs);
  return (
    <Panel
      title="Results committed"
      side={
        <span className="row">
          <span className="muted small">
            {formatCount(total)} in the last {span}
          </span>
          <SourceTag source={source} />
        </span>
      }
    >
      <BarChart
        buckets={buckets}
        spanText={span}
        label={`${total} results were committed in the last ${span}, of the jobs that still exist`}
      />
      {buckets.some(({ convicted }) => convicted > 0) && (
        <div className="legend" style={{ marginTop: 8 }}>
          <span>
            <i style={{ background: "var(--gold-mark)" }} />
            stood, or in their window
          </span>
          <span>
            <i style={{ background: "var(--bad)" }} />
            proved wrong
          </span>
        </div>
      )}
    </Panel>
  );
}

function LiveJobs() {
  const { rows: jobs } = useJobLines(false);
  const newest = useMemo(
    () => [...jobs].sort((a, b) => (a.data.postedSlot < b.data.postedSlot ? 1 : -1)).slice(0, 8),
    [jobs],
  );
  return (
    <Panel
      title="Newest jobs"
      flush
      side={
        <ButtonLink to="/jobs" size="small" look="quiet">
          All {formatCount(jobs.length)}
        </ButtonLink>
      }
    >
      {newest.length === 0 ? (
        <Nothing
          icon={Activity}
          title="No jobs yet"
          actions={
            <ButtonLink to="/post" look="primary">
              Post the first
            </ButtonLink>
          }
        >
          A job appears here the moment its client puts the price into escrow.
        </Nothing>
      ) : (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th>Job</th>
                <th>State</th>
                <th className="end">Price</th>
                <th className="end wide-only">Next step</th>
              </tr>
            </thead>
            <tbody>
              {newest.map((row) => (
                <NewestJob key={row.address} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function NewestJob({ row: { address, data } }: { row: JobLine }) {
  return (
    <tr>
      <td>
        <AddressText value={address} to={`/jobs/${address}`} what="address of the job" />
      </td>
      <td>
        <JobBadge state={data.state} />
      </td>
      <td className="end">
        <Amount value={data.claimedSlot > 0n ? data.price : data.priceMax} mint={data.paymentMint} short />
      </td>
      <td className="end muted wide-only">
        <NextDeadline job={data} />
      </td>
    </tr>
  );
}

const STATE_COLOURS: Readonly<Record<string, string>> = {
  gold: "var(--gold-mark)",
  busy: "var(--busy)",
  held: "var(--held)",
  good: "var(--good)",
  warn: "var(--warn)",
  bad: "var(--bad)",
  idle: "var(--line-strong)",
};

function States() {
  const { rows: jobs } = useJobLines(false);
  const counts = useMemo(() => countByState(jobs), [jobs]);
  const present = JOB_STATES.filter((state) => (counts.get(state) ?? 0) > 0);
  if (jobs.length === 0) return null;
  return (
    <Panel title="Jobs by state">
      <div className="stacked" aria-hidden style={{ marginBottom: 12 }}>
        {present.map((state) => (
          <span
            key={state}
            style={{ flexGrow: counts.get(state), background: STATE_COLOURS[stateWords(state).tone] }}
          />
        ))}
      </div>
      <Facts numbers>
        {present.map((state) => (
          <Fact key={state} name={<JobBadge state={state} />}>
            <Link href={`/jobs?state=${state}`}>{formatCount(counts.get(state) ?? 0)}</Link>
          </Fact>
        ))}
      </Facts>
    </Panel>
  );
}

function Prices() {
  const { rows: jobs } = useJobLines(false);
  const mints = useTable("paymentMint").rows;
  const samples = useMemo(
    () =>
      mints
        .map(({ data }) => ({ mint: data.mint, sample: recentPrices(jobs, data.mint) }))
        .filter(({ sample }) => sample !== undefined),
    [jobs, mints],
  );
  const parameters = useNetwork()?.data.parameters;
  if (samples.length === 0) return null;
  return (
    <Panel
      title="Prices that nodes took"
      foot={parameters && `The protocol takes ${formatBasisPoints(parameters.protocolFeeBps)} of a price.`}
    >
      <div className="stack">
        {samples.map(
          ({ mint, sample }) =>
            sample !== undefined && (
              <div key={mint}>
                <Facts numbers>
                  <Fact name="One in ten below">
                    <Amount value={sample.low} mint={mint} />
                  </Fact>
                  <Fact name="Median">
                    <strong>
                      <Amount value={sample.median} mint={mint} />
                    </strong>
                  </Fact>
                  <Fact name="One in ten above">
                    <Amount value={sample.high} mint={mint} />
                  </Fact>
                </Facts>
                <Meter
                  share={sample.high === 0n ? 0 : Number((sample.median * 1000n) / sample.high) / 1000}
                  tone="gold"
                  label="The median beside the highest tenth"
                />
                <div className="small faint" style={{ marginTop: 6 }}>
                  of the newest {sample.jobs} claimed jobs in <AddressText value={mint} what="address of the mint" />
                </div>
              </div>
            ),
        )}
      </div>
    </Panel>
  );
}

function Feed() {
  const index = useReadableIndex();
  return index === undefined ? <SeenFeed /> : <RecordedFeed />;
}

/** What the index recorded since the app was opened, of every kind of account. */
function RecordedFeed() {
  const seen = useIndexSeen().slice(0, 8);
  const write = useRecordWriters();
  return (
    <Panel title="Since you are here" flush side={<SourceTag source="index" />}>
      {seen.length === 0 ? (
        <p className="muted inset">Nothing has happened yet. What happens in the market shows here as it happens.</p>
      ) : (
        <ul className="feed">
          {seen.map((record) => {
            const place = { job: "jobs", node: "nodes", session: "sessions" }[record.kind];
            const job = record.job;
            const to =
              job !== undefined ? `/jobs/${job}` : place === undefined ? undefined : `/${place}/${record.account}`;
            return (
              <li key={record.id}>
                <AddressText
                  value={job ?? record.account}
                  {...(to !== undefined && { to })}
                  what="address of the account"
                />
                <span className="small">{recordWords(record, write).sentence}</span>
                <span className="faint small">
                  <When slot={record.slot} />
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}

/** What was seen to change in the accounts of jobs. */
function SeenFeed() {
  const seen = useSeen().filter(isJob).slice(0, 8);
  return (
    <Panel title="Since you are here" flush>
      {seen.length === 0 ? (
        <p className="muted inset">Nothing has changed yet. What happens in the market shows here as it happens.</p>
      ) : (
        <ul className="feed">
          {seen.map((event) => (
            <li key={`${event.address}${event.slot}${event.after?.state}`}>
              {event.after === undefined ? (
                <span className="faint">closed</span>
              ) : (
                <JobBadge state={event.after.state} />
              )}
              <Link href={`/jobs/${event.address}`} className="mono">
                {shortAddress(event.address)}
              </Link>
              <span className="faint small">
                <When slot={event.slot} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function isJob(event: Seen): event is Seen<"job"> {
  return event.kind === "job";
}
