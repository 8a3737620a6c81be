/** One node: its stake, its record, its jobs. */
import { type Address, isAddress } from "@solana/kit";
import { Layers } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";
import { useMarket, useNetwork, useSlot, useTable } from "../data/hooks.ts";
import { useIndexedNode } from "../data/index-hooks.ts";
import type { Row } from "../data/kinds.ts";
import { useTransactions } from "../data/transactions.ts";
import { formatBasisPoints, formatCount, shareBasisPoints } from "../model/amounts.ts";
import { type Earnings, earningsOf } from "../model/earnings.ts";
import { knownPrice } from "../model/job-filter.ts";
import { isEnded } from "../model/job-state.ts";
import { shortAddress } from "../model/keys.ts";
import { freeStake, largestBond, settledShare, standing, unbondingTotal } from "../model/node-view.ts";
import { formatRelative } from "../model/time.ts";
import { AddressText } from "../ui/address.tsx";
import { Badge, ButtonLink, Fact, Facts, Figure, Meter, Nothing, Panel } from "../ui/basics.tsx";
import { ExplainNode } from "../ui/explain-node.tsx";
import { HistoryOf, TransactionsOf } from "../ui/history.tsx";
import { JobBadge, NextDeadline } from "../ui/job-bits.tsx";
import { Missing } from "../ui/missing.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { ProfilePanel, ReputationPanel, StandingPanel } from "../ui/reputation.tsx";
import { EarningsPanel, PresencePanel, ReputationHistory } from "../ui/reputation-history.tsx";
import { NodeStakeActions } from "../ui/stake-actions.tsx";
import { Amount, StakeAmount } from "../ui/unit.tsx";

/** Loaded after the page: it stands below what people look at first. */
const DelegationPanel = lazy(async () => ({ default: (await import("../ui/delegation.tsx")).DelegationPanel }));

/** Transactions of which the events are read where no index tells the node's past. */
const TRANSACTIONS = 40;

export default function NodePage({ address }: { address: string }) {
  const table = useTable("node");
  const row = isAddress(address) ? table.byAddress.get(address) : undefined;
  return (
    <Loaded table={table} what="node">
      {row === undefined ? (
        <Missing address={address} kind="Node" list={{ to: "/nodes", name: "Nodes" }}>
          It was deregistered, it never registered, or it is on another network.
        </Missing>
      ) : (
        <Existing row={row} />
      )}
    </Loaded>
  );
}

function Existing({ row }: { row: Row<"node"> }) {
  const { address, data: node } = row;
  const network = useNetwork()?.data;
  const slot = useSlot();
  const { name, tone, sentence } = standing(node, network, slot);
  const jobs = useTable("job").rows;
  const earnings = useMemo(() => earningsOf(jobs, address), [jobs, address]);
  const asked = useIndexedNode(address);
  // The index's history is the longer one: without it, the endpoint's transactions are read.
  const isIndexed = asked.state === "known" || asked.state === "loading";
  const version = `${node.jobsSettled} ${node.jobsMissed} ${node.stake} ${node.openJobs} ${node.standing.heartbeatEpoch}`;
  const transactions = useTransactions(address, version, TRANSACTIONS, !isIndexed);
  return (
    <>
      <PageHead
        title={`Node ${shortAddress(address)}`}
        back={{ to: "/nodes", name: "Nodes" }}
        badge={<Badge tone={tone}>{name}</Badge>}
        lead={sentence}
        actions={
          <>
            {node.endpoint !== "" && <ButtonLink to={`/sessions/new?node=${address}`}>Open a session</ButtonLink>}
            <ButtonLink to={`/post?invite=${address}`}>Invite it to a job</ButtonLink>
            <NodeStakeActions row={row} />
          </>
        }
      />
      <div className="stack">
        <Figures row={row} earnings={earnings} />
        <div className="grid-2">
          <div className="stack">
            <ReputationHistory address={address} node={node} asked={asked} transactions={transactions} />
            <EarningsPanel address={address} earnings={earnings} />
            <Jobs node={address} />
            <ExplainNode row={row} />
            {isIndexed ? (
              <HistoryOf asked={asked} address={address} version={version} />
            ) : (
              <TransactionsOf transactions={transactions} />
            )}
            <Record row={row} />
          </div>
          <div className="stack">
            <ReputationPanel node={node} />
            <PresencePanel node={node} asked={asked} />
            <StakePanel row={row} />
            <Suspense>
              <DelegationPanel row={row} />
            </Suspense>
            <ProfilePanel node={node} />
            <StandingPanel node={node} />
            <Panel title="Keys">
              <Facts>
                <Fact name="Node">
                  <AddressText value={address} what="address of the node" />
                </Fact>
                <Fact name="Withdraw authority">
                  <AddressText value={node.withdrawAuthority} what="address of the withdraw authority" />
                </Fact>
                <Fact name="Operator">
                  <AddressText value={node.operator} what="address of the operator" />
                </Fact>
                <Fact name="Endpoint">
                  {node.endpoint === "" ? <span className="faint">serves nothing</span> : node.endpoint}
                </Fact>
              </Facts>
            </Panel>
          </div>
        </div>
      </div>
    </>
  );
}

function Figures({ row: { data }, earnings }: { row: Row<"node">; earnings: readonly Earnings[] }) {
  const [most] = earnings;
  const share = settledShare(data);
  return (
    <div className="figures">
      <Figure
        name="Stake"
        value={<StakeAmount value={data.stake} short />}
        note={
          <>
            of which <StakeAmount value={freeStake(data)} short /> is free
          </>
        }
      />
      <Figure
        name="Settled"
        value={formatCount(data.jobsSettled)}
        note={share === undefined ? "nothing has ended yet" : `${formatBasisPoints(share)} of all that ended`}
      />
      <Figure
        name="Missed, convicted"
        value={`${formatCount(data.jobsMissed)}, ${formatCount(data.fraudConvictions)}`}
        note={
          data.fraudConvictions > 0 ? "a convicted node never claims again" : "a miss costs a charge, a fault the bond"
        }
      />
      <Figure
        name="Earned in jobs that exist"
        value={most === undefined ? "0" : <Amount value={most.node} mint={most.mint} short />}
        note={
          most === undefined ? (
            "none settled and not yet closed"
          ) : most.delegators === 0n ? (
            `${formatCount(most.jobs)} settled and not yet closed`
          ) : (
            <>
              and <Amount value={most.delegators} mint={most.mint} short /> to its delegators
            </>
          )
        }
      />
    </div>
  );
}

function StakePanel({ row: { data } }: { row: Row<"node"> }) {
  const network = useNetwork()?.data;
  const slot = useSlot();
  const { pace } = useMarket();
  const queue = data.unbonding.filter(({ amount }) => amount > 0n);
  const lockedShare = shareBasisPoints(data.locked, data.stake);
  return (
    <Panel title="Stake and bonds">
      <Meter share={lockedShare / 10_000} tone="gold" label="Share of the stake that bonds lock" />
      <p className="small muted" style={{ margin: "6px 0 8px" }}>
        {formatBasisPoints(lockedShare)} is locked in bonds of {formatCount(data.openJobs)} open jobs and sessions.
      </p>
      <Facts numbers>
        <Fact name="Locked in bonds">
          <StakeAmount value={data.locked} />
        </Fact>
        <Fact name="Largest bond that it can take">
          <StakeAmount value={largestBond(data, network?.parameters.dispute.slashBps ?? 0)} />
        </Fact>
        <Fact name="Unbonding">
          <StakeAmount value={unbondingTotal(data)} />
        </Fact>
        {queue.map(({ amount, releaseSlot }) => (
          <Fact
            key={`${releaseSlot}-${amount}`}
            name={<span className="muted">released {formatRelative(releaseSlot, slot, pace.slotMs)}</span>}
          >
            <StakeAmount value={amount} />
          </Fact>
        ))}
        {data.frozenUntilSlot > slot && <Fact name="Frozen">until slot {formatCount(data.frozenUntilSlot)}</Fact>}
      </Facts>
    </Panel>
  );
}

function Record({ row: { data } }: { row: Row<"node"> }) {
  const slot = useSlot();
  const { pace } = useMarket();
  const ago = (at: bigint) => (at === 0n ? "never" : formatRelative(at, slot, pace.slotMs));
  return (
    <Panel title="Record">
      <Facts numbers>
        <Fact name="Registered">{ago(data.registeredSlot)}</Fact>
        <Fact name="Last claim">{ago(data.lastClaimSlot)}</Fact>
        <Fact name="Jobs settled">{formatCount(data.jobsSettled)}</Fact>
        <Fact name="Jobs missed">{formatCount(data.jobsMissed)}</Fact>
        <Fact name="Proven faults">{formatCount(data.fraudConvictions)}</Fact>
        <Fact name="Answers for its results until">
          {data.lastObligationSlot === 0n ? "it owes nothing" : ago(data.lastObligationSlot)}
        </Fact>
      </Facts>
    </Panel>
  );
}

function Jobs({ node }: { node: Address }) {
  const jobs = useTable("job").rows;
  const own = useMemo(
    () =>
      jobs
        .filter(({ data }) => data.node === node)
        .sort(
          (a, b) =>
            Number(isEnded(a.data.state)) - Number(isEnded(b.data.state)) ||
            (a.data.claimedSlot < b.data.claimedSlot ? 1 : -1),
        ),
    [jobs, node],
  );
  return (
    <Panel
      title="Its jobs"
      flush
      side={
        <ButtonLink to={`/jobs?text=${node}`} size="small" look="quiet">
          All {formatCount(own.length)}
        </ButtonLink>
      }
    >
      {own.length === 0 ? (
        <Nothing icon={Layers} title="It has no jobs">
          Jobs that it claims show here until they are closed.
        </Nothing>
      ) : (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th>Job</th>
                <th>State</th>
                <th className="end">Price</th>
                <th className="end">Bond</th>
                <th className="end">Next step</th>
              </tr>
            </thead>
            <tbody>
              {own.slice(0, 12).map(({ address, data }) => (
                <tr key={address}>
                  <td>
                    <AddressText value={address} to={`/jobs/${address}`} what="address of the job" />
                  </td>
                  <td>
                    <JobBadge state={data.state} />
                  </td>
                  <td className="end">
                    <Amount value={knownPrice(data)} mint={data.paymentMint} short />
                  </td>
                  <td className="end">
                    <StakeAmount value={data.bond} short />
                  </td>
                  <td className="end muted">
                    <NextDeadline job={data} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
