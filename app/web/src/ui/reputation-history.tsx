/** A node's reputation over time, with every reason; when it could work; and what it earned. */
import type { Node } from "@assay/client";
import type { Address } from "@solana/kit";
import { useMemo } from "react";
import { Link } from "wouter";
import type { IndexHistory } from "../data/history-index/shape.ts";
import { useMarket, useSlot, useTable } from "../data/hooks.ts";
import { type Asked, useIndexRows } from "../data/index-hooks.ts";
import type { Transactions } from "../data/transactions.ts";
import { formatBasisPoints, formatCount, shareBasisPoints } from "../model/amounts.ts";
import { type Earnings, ownOverTime, pricesOverTime } from "../model/earnings.ts";
import { scorePercent, slotText } from "../model/event-words.ts";
import { shortAddress } from "../model/keys.ts";
import { presenceOf, type ScoreStep, scoreLine, stepsOfEvents, stepsOfRecords } from "../model/reputation-history.ts";
import { formatRelative, formatSlots } from "../model/time.ts";
import { CopyButton } from "./address.tsx";
import { Fact, Facts, Panel, SkeletonLines } from "./basics.tsx";
import { StepChart } from "./charts.tsx";
import { SourceTag } from "./source.tsx";
import { Amount, useUnit, writeAmount } from "./unit.tsx";

/** Steps that are listed. */
const LISTED = 6;

/** The score over time: from the index, else from the transactions that the endpoint still has. */
export function ReputationHistory({
  address,
  node,
  asked,
  transactions,
}: {
  address: Address;
  node: Node;
  asked: Asked<IndexHistory<unknown>>;
  transactions: Transactions;
}) {
  const { jobs } = useIndexRows();
  const own = useMemo(() => jobs.filter(({ data }) => data.node === address), [jobs, address]);
  const steps = useMemo(() => {
    if (asked.state === "known") return stepsOfRecords(asked.value.timeline, own);
    return transactions !== undefined && "entries" in transactions
      ? stepsOfEvents(transactions.entries, address)
      : undefined;
  }, [asked, own, transactions, address]);
  const isIndexed = asked.state === "known";
  const isFailed = transactions !== undefined && "fault" in transactions;
  return (
    <Panel
      title="Reputation over time"
      side={<SourceTag source={isIndexed ? "index" : "transactions"} />}
      foot={
        isIndexed
          ? "Several changes between two readings of the index are one step."
          : "As far back as the endpoint has the node's newest transactions; an index remembers all of it."
      }
    >
      {steps === undefined && !isFailed && <SkeletonLines label="Loading the reputation's past" lines={4} />}
      {isFailed && <p className="muted">The endpoint keeps no history of it.</p>}
      {steps !== undefined && <ScoreSteps steps={steps} score={node.score[0]} />}
    </Panel>
  );
}

/** The line and the list of its steps. */
export function ScoreSteps({ steps, score }: { steps: readonly ScoreStep[]; score: number }) {
  const slot = useSlot();
  const { pace } = useMarket();
  // Drawn anew now and then, not with every slot.
  const now = slot - (slot % 25n);
  const line = useMemo(() => scoreLine(steps, now, score), [steps, now, score]);
  if (steps.length === 0) {
    return (
      <p className="muted">Nothing that is still known has changed its reputation; it is {scorePercent(score)}.</p>
    );
  }
  const newest = [...steps].reverse();
  return (
    <div className="stack">
      <StepChart
        points={line}
        most={10_000}
        format={(value) => formatBasisPoints(value)}
        when={(at) => (now === 0n ? slotText(at) : formatRelative(at, now, pace.slotMs))}
        label={`The reputation over ${formatCount(steps.length)} changes, from ${scorePercent(steps[0]?.before ?? 0)} to ${scorePercent(score)}`}
      />
      <ul className="feed history flush">
        {newest.slice(0, LISTED).map((step) => (
          <li key={step.key}>
            <span className="faint small">{slotText(step.slot)}</span>
            <span>
              {scorePercent(step.before)} to{" "}
              <strong style={{ color: step.after < step.before ? "var(--bad)" : "var(--good)" }}>
                {scorePercent(step.after)}
              </strong>
              <div className="small muted">
                {step.why}
                {step.jobs.slice(0, 3).map(({ address, how }) => (
                  <span key={address}>
                    {" "}
                    <Link href={`/jobs/${address}`} className="mono">
                      {shortAddress(address)}
                    </Link>
                    <CopyButton text={address} what="address of the job" />
                    {how !== "" && how !== step.why && ` ${how}`}
                  </span>
                ))}
                {step.jobs.length > 3 && ` and ${formatCount(step.jobs.length - 3)} more`}
              </div>
            </span>
          </li>
        ))}
      </ul>
      {newest.length > LISTED && (
        <p className="small muted">and {formatCount(newest.length - LISTED)} earlier ones, in the history below</p>
      )}
    </div>
  );
}

/** For how much of its time it could claim, as the index recorded it; what its account says otherwise. */
export function PresencePanel({ node, asked }: { node: Node; asked: Asked<IndexHistory<unknown>> }) {
  const slot = useSlot();
  const { pace } = useMarket();
  const since = node.standing.seenSlot;
  const presence =
    asked.state === "known" && slot > 0n ? presenceOf(asked.value.timeline, node.registeredSlot, slot) : undefined;
  const away = presence === undefined ? 0n : presence.jailedSlots + presence.maintenanceSlots;
  return (
    <Panel
      title="Uptime"
      side={presence !== undefined && <SourceTag source="index" />}
      foot={
        presence === undefined
          ? "An index knows of jail, maintenance and silence since the node registered; its account has only the last of each."
          : "The share of the time since it registered in which neither jail nor announced maintenance kept it from claiming."
      }
    >
      <Facts numbers>
        {presence !== undefined && presence.slots > 0n && (
          <>
            <Fact name="Could claim">
              <strong>{formatBasisPoints(shareBasisPoints(presence.slots - away, presence.slots))}</strong>
            </Fact>
            <Fact name="Jailed">
              {presence.jailedSlots === 0n ? "never" : formatSlots(presence.jailedSlots, pace.slotMs)}
            </Fact>
            <Fact name="In announced maintenance">
              {presence.maintenanceSlots === 0n ? "never" : formatSlots(presence.maintenanceSlots, pace.slotMs)}
            </Fact>
            <Fact name="Heartbeats left out">
              {presence.silences === 0 ? "never" : `${formatCount(presence.silences)} times`}
            </Fact>
          </>
        )}
        <Fact name="Last sign of life">{since === 0n ? "none yet" : formatRelative(since, slot, pace.slotMs)}</Fact>
        <Fact name="Jobs missed">{formatCount(node.jobsMissed)}</Fact>
      </Facts>
    </Panel>
  );
}

/** What settled jobs paid the node, and what its delegators, over time. */
export function EarningsPanel({ address, earnings }: { address: Address; earnings: readonly Earnings[] }) {
  const accounts = useTable("job").rows;
  const { jobs, isLoaded } = useIndexRows();
  const slot = useSlot();
  const { pace } = useMarket();
  const now = slot - (slot % 25n);
  const mint = earnings[0]?.mint ?? jobs.find(({ data }) => data.node === address)?.data.paymentMint;
  const unit = useUnit(mint);
  const line = useMemo(() => {
    if (mint === undefined) return [];
    const points = isLoaded ? pricesOverTime(jobs, address, mint) : ownOverTime(accounts, address, mint);
    const [first] = points;
    const last = points.at(-1);
    if (first === undefined || last === undefined) return [];
    return [{ slot: first.slot, value: 0 }, ...points, ...(now > last.slot ? [{ slot: now, value: last.value }] : [])];
  }, [mint, isLoaded, jobs, accounts, address, now]);
  if (mint === undefined || line.length === 0) return null;
  return (
    <Panel
      title="Earnings over time"
      side={<SourceTag source={isLoaded ? "index" : "chain"} />}
      foot={
        isLoaded
          ? "The line adds up the prices of its settled jobs among the newest 10,000 of the market, closed ones too, before the protocol's fee and the delegators' share."
          : "The line adds up the node's own share of settled jobs that still exist; closed ones need an index."
      }
    >
      <StepChart
        points={line}
        format={(value) => writeAmount(BigInt(Math.round(value)), unit, true)}
        when={(at) => (now === 0n ? slotText(at) : formatRelative(at, now, pace.slotMs))}
        label={`Earnings in ${unit.symbol} over ${formatCount(line.length - 1)} settled jobs`}
      />
      {earnings.map(({ mint: one, jobs: count, node, delegators, fee }) => (
        <Facts key={one} numbers>
          <Fact name="To the node, of jobs that exist">
            <Amount value={node} mint={one} />
          </Fact>
          <Fact name="To its delegators">
            <Amount value={delegators} mint={one} />
          </Fact>
          <Fact name="To the protocol">
            <Amount value={fee} mint={one} />
          </Fact>
          <Fact name="Settled jobs that exist">{formatCount(count)}</Fact>
        </Facts>
      ))}
    </Panel>
  );
}
