/** Stake that is lent to nodes: what a node makes of it, and what one has lent oneself. */
import { type Delegation, earnedIn, type PaymentMint, worthOf } from "@assay/client";
import type { Address } from "@solana/kit";
import { Download, HandCoins, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useMarket, useNetwork, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatBasisPoints, formatCount } from "../model/amounts.ts";
import { delegationFigures, sharesWorth, withdrawalFault } from "../model/delegation-view.ts";
import { shortAddress } from "../model/keys.ts";
import { formatRelative } from "../model/time.ts";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import {
  claimRewards,
  collectRewards,
  delegateStake,
  type NodePool,
  undelegateStake,
  withdrawDelegated,
} from "../transact/plans/delegation.ts";
import { closeDelegation } from "../transact/plans/pools.ts";
import { Review } from "../transact/review.tsx";
import { Badge, Button, Fact, Facts, Panel } from "./basics.tsx";
import { PoolActions } from "./pool-actions.tsx";
import { AmountDialog } from "./stake-actions.tsx";
import { Amount, StakeAmount, useStakeUnit, useUnit, withSymbol } from "./unit.tsx";

/** For the node's page: commission, what is delegated, what counts, and who gets what. */
export function DelegationPanel({ row }: { row: Row<"node"> }) {
  const network = useNetwork()?.data;
  const slot = useSlot();
  const { pace } = useMarket();
  const pool = useTable("delegationPool").rows.find(({ data }) => data.node === row.address);
  if (network === undefined) return null;
  if (!row.data.delegation.open) {
    return (
      <Panel title="Delegation">
        <p className="muted">It takes no delegations: its owner has not opened a pool.</p>
        <div className="row">
          <PoolActions row={row} pool={pool} />
        </div>
      </Panel>
    );
  }
  const figures = delegationFigures(row.data, network, slot);
  return (
    <Panel
      title="Delegation"
      foot={
        pool !== undefined && (
          <div className="row">
            <DelegateButton at={{ node: row, pool }} room={figures.room} />
            <PoolActions row={row} pool={pool} />
          </div>
        )
      }
    >
      <Facts numbers>
        <Fact name="Delegated">
          <StakeAmount value={figures.delegated} />
        </Fact>
        <Fact name="Of which counts">
          <StakeAmount value={figures.counted} />
        </Fact>
        <Fact name="Room for more">
          <StakeAmount value={figures.room} />
        </Fact>
        <Fact name="Commission">{formatBasisPoints(figures.commissionBps)}</Fact>
        {figures.announced !== undefined && (
          <Fact
            name={<span className="muted">changes {formatRelative(figures.announced.slot, slot, pace.slotMs)}</span>}
          >
            {formatBasisPoints(figures.announced.bps)}
          </Fact>
        )}
        <Fact name="Of a job's pay, the node keeps">{formatBasisPoints(figures.keptBps)}</Fact>
        <Fact name="Its delegators get">{formatBasisPoints(figures.delegatorsBps)}</Fact>
        {pool !== undefined && <Fact name="Delegations">{formatCount(pool.data.delegations)}</Fact>}
      </Facts>
    </Panel>
  );
}

function DelegateButton({ at, room }: { at: NodePool; room: bigint }) {
  const { signer, choose } = useSigning();
  const network = useNetwork()?.data;
  const { pace } = useMarket();
  const unit = useStakeUnit();
  const [asking, setAsking] = useState(false);
  const [plan, setPlan] = useState<Plan>();
  if (network === undefined) return null;
  return (
    <>
      <Button
        icon={Plus}
        disabled={room === 0n}
        onClick={() => (signer === undefined ? choose(true) : setAsking(true))}
      >
        Delegate
      </Button>
      {asking && (
        <AmountDialog
          title="Delegate stake"
          most={room}
          onClose={() => setAsking(false)}
          onAmount={(amount) => {
            setAsking(false);
            const { unbondingSlots } = network.parameters;
            const write = (value: bigint) => withSymbol(value, unit);
            setPlan(delegateStake(at, network.stakeMint, amount, unbondingSlots, pace.slotMs, write));
          }}
        />
      )}
      {plan !== undefined && <Review plan={plan} onClose={() => setPlan(undefined)} />}
    </>
  );
}

/** For the page of one's own stake: what one has lent, to whom. */
export function OwnDelegations({ owner }: { owner: Address }) {
  const { rows } = useTable("delegation");
  const pools = useTable("delegationPool").byAddress;
  const nodes = useTable("node").byAddress;
  return rows
    .filter(({ data }) => data.owner === owner)
    .map(({ address, data }) => {
      const pool = pools.get(data.pool);
      const node = pool === undefined ? undefined : nodes.get(pool.data.node);
      if (pool === undefined || node === undefined) return null;
      return <OwnDelegation key={address} delegation={data} at={{ node, pool }} />;
    });
}

function OwnDelegation({ delegation, at }: { delegation: Delegation; at: NodePool }) {
  const network = useNetwork()?.data;
  const slot = useSlot();
  const { pace } = useMarket();
  const unit = useStakeUnit();
  const mints = useTable("paymentMint").rows;
  const [asking, setAsking] = useState<"add" | "back">();
  const [plan, setPlan] = useState<Plan>();
  if (network === undefined) return null;
  const { node, pool } = at;
  const { stakeMint, parameters } = network;
  const worth = worthOf(delegation, pool.data, node.data);
  const figures = delegationFigures(node.data, network, slot);
  const fault = withdrawalFault(delegation, node.data, slot);
  const earned = mints
    .map(({ data }) => ({ mint: data, amount: earnedIn(delegation, pool.data, data.mint) }))
    .filter(({ amount }) => amount > 0n);
  const write = (value: bigint) => withSymbol(value, unit);
  const take = (amount: bigint) => {
    const { unbondingSlots } = parameters;
    if (asking === "add") return delegateStake(at, stakeMint, amount, unbondingSlots, pace.slotMs, write);
    const shares = sharesWorth(amount, delegation, pool.data, node.data);
    return undelegateStake(at, stakeMint, shares, amount, unbondingSlots, pace.slotMs, write);
  };
  return (
    <Panel
      title={<Link href={`/nodes/${node.address}`}>Delegated to {shortAddress(node.address)}</Link>}
      side={<Badge tone={node.data.fraudConvictions > 0 ? "bad" : "idle"}>Delegation</Badge>}
      foot={
        <div className="row">
          <Button icon={Plus} disabled={figures.room === 0n} onClick={() => setAsking("add")}>
            Delegate more
          </Button>
          <Button disabled={worth.active === 0n} onClick={() => setAsking("back")}>
            Ask for it back
          </Button>
          {delegation.held.unbondingShares > 0n && (
            <Button
              disabled={fault !== undefined}
              title={fault}
              onClick={() => setPlan(withdrawDelegated(at, stakeMint, worth.unbonding, write))}
            >
              Take out what is released
            </Button>
          )}
          {earned.map(({ mint, amount }) => (
            <ClaimButton key={mint.mint} node={node.address} mint={mint} amount={amount} onPlan={setPlan} />
          ))}
          <CollectButton at={at} onPlan={setPlan} />
          {worth.active === 0n && worth.unbonding === 0n && earned.length === 0 && (
            <Button onClick={() => setPlan(closeDelegation(node.address, delegation.owner))}>Close it</Button>
          )}
        </div>
      }
    >
      <Facts numbers>
        <Fact name="Works">
          <StakeAmount value={worth.active} />
        </Fact>
        <Fact name="Unbonding">
          <StakeAmount value={worth.unbonding} />
        </Fact>
        {delegation.held.unbondingShares > 0n && (
          <Fact name={<span className="muted">released</span>}>
            {formatRelative(delegation.held.releaseSlot, slot, pace.slotMs)}
          </Fact>
        )}
        {earned.map(({ mint, amount }) => (
          <Fact key={mint.mint} name="Earned, to be claimed">
            <Amount value={amount} mint={mint.mint} />
          </Fact>
        ))}
        <Fact name="Commission">{formatBasisPoints(figures.commissionBps)}</Fact>
      </Facts>
      {delegation.held.unbondingShares > 0n && fault !== undefined && <p className="small muted">{fault}</p>}
      {asking !== undefined && (
        <AmountDialog
          title={asking === "add" ? "Delegate stake" : "Ask for delegated stake back"}
          most={asking === "add" ? figures.room : worth.active}
          onClose={() => setAsking(undefined)}
          onAmount={(amount) => {
            setPlan(take(amount));
            setAsking(undefined);
          }}
        />
      )}
      {plan !== undefined && <Review plan={plan} onClose={() => setPlan(undefined)} />}
    </Panel>
  );
}

function ClaimButton({
  node,
  mint,
  amount,
  onPlan,
}: {
  node: Address;
  mint: PaymentMint;
  amount: bigint;
  onPlan: (plan: Plan) => void;
}) {
  const unit = useUnit(mint.mint);
  return (
    <Button
      look="primary"
      icon={HandCoins}
      onClick={() => onPlan(claimRewards(node, mint, amount, (value) => withSymbol(value, unit)))}
    >
      Claim {unit.symbol}
    </Button>
  );
}

/** Jobs owe their delegators' share until somebody collects it: one job a time. */
function CollectButton({ at: { node, pool }, onPlan }: { at: NodePool; onPlan: (plan: Plan) => void }) {
  const jobs = useTable("job").rows;
  const mints = useTable("paymentMint").rows;
  const owing = useMemo(
    () => jobs.filter(({ data }) => data.node === node.address && data.credits.delegators > 0n),
    [jobs, node.address],
  );
  const [first] = owing;
  const mint = mints.find(({ data }) => data.mint === first?.data.paymentMint)?.data;
  const unit = useUnit(mint?.mint);
  if (first === undefined || mint === undefined) return null;
  return (
    <Button
      icon={Download}
      onClick={() => onPlan(collectRewards(pool, first, mint, (value) => withSymbol(value, unit)))}
    >
      Collect from {owing.length === 1 ? "a job" : `the first of ${formatCount(owing.length)} jobs`}
    </Button>
  );
}
