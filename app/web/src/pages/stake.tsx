/** One's own nodes, and how to begin one. */
import { Plus, ShieldCheck } from "lucide-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useMarket, useNetwork, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatBasisPoints, formatCount } from "../model/amounts.ts";
import { parseAddress, shortAddress } from "../model/keys.ts";
import { freeStake, standing, unbondingTotal } from "../model/node-view.ts";
import { formatSlots } from "../model/time.ts";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import { registerNode } from "../transact/plans/nodes.ts";
import { Review } from "../transact/review.tsx";
import { Badge, Button, ButtonLink, Fact, Facts, Nothing, Panel } from "../ui/basics.tsx";
import { OwnDelegations } from "../ui/delegation.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { NodeStakeActions } from "../ui/stake-actions.tsx";
import { StakeAmount } from "../ui/unit.tsx";

export default function Stake() {
  const table = useTable("node");
  const { signer, choose } = useSigning();
  const own = useMemo(
    () =>
      table.rows.filter(
        ({ data }) =>
          signer !== undefined && (data.withdrawAuthority === signer.address || data.operator === signer.address),
      ),
    [table.rows, signer],
  );
  const [registering, setRegistering] = useState(false);
  return (
    <>
      <PageHead
        title="Stake"
        lead="A node puts its own stake behind every result. A proven fault takes the job's bond and a part of the stake."
        actions={
          signer !== undefined && (
            <Button look="primary" icon={Plus} onClick={() => setRegistering(true)}>
              Register a node
            </Button>
          )
        }
      />
      <Loaded table={table} what="nodes">
        <div className="grid-2">
          <div className="stack">
            {signer === undefined ? (
              <Panel>
                <Nothing
                  icon={ShieldCheck}
                  title="Connect to see your nodes"
                  actions={
                    <>
                      <Button look="primary" onClick={() => choose(true)}>
                        Connect
                      </Button>
                      <ButtonLink to="/nodes">All nodes</ButtonLink>
                    </>
                  }
                >
                  The account that registers a node is its withdraw authority: it owns the stake and the earnings.
                </Nothing>
              </Panel>
            ) : own.length === 0 ? (
              <Panel>
                <Nothing
                  icon={ShieldCheck}
                  title="You have no node"
                  actions={<ButtonLink to="/nodes">All nodes</ButtonLink>}
                >
                  Register one here and run it with <code>assay node run</code>, or delegate stake to a node: its page
                  has a button for it.
                </Nothing>
              </Panel>
            ) : (
              own.map((row) => <OwnNode key={row.address} row={row} />)
            )}
            {signer !== undefined && <OwnDelegations owner={signer.address} />}
          </div>
          <Rules />
        </div>
      </Loaded>
      {registering && signer !== undefined && (
        <RegisterDialog
          taken={
            new Set(own.filter(({ data }) => data.withdrawAuthority === signer.address).map(({ data }) => data.index))
          }
          onClose={() => setRegistering(false)}
        />
      )}
    </>
  );
}

function OwnNode({ row }: { row: Row<"node"> }) {
  const slot = useSlot();
  const network = useNetwork()?.data;
  const { name, tone, sentence } = standing(row.data, network, slot);
  return (
    <Panel
      title={<Link href={`/nodes/${row.address}`}>Node {shortAddress(row.address)}</Link>}
      side={<Badge tone={tone}>{name}</Badge>}
      foot={
        <div className="row">
          <NodeStakeActions row={row} />
        </div>
      }
    >
      <p className="muted">{sentence}</p>
      <Facts numbers>
        <Fact name="Stake">
          <StakeAmount value={row.data.stake} />
        </Fact>
        <Fact name="Free">
          <StakeAmount value={freeStake(row.data)} />
        </Fact>
        <Fact name="Unbonding">
          <StakeAmount value={unbondingTotal(row.data)} />
        </Fact>
        <Fact name="Open jobs">{formatCount(row.data.openJobs)}</Fact>
      </Facts>
    </Panel>
  );
}

function Rules() {
  const network = useNetwork()?.data;
  const { pace } = useMarket();
  if (network === undefined) return null;
  const { parameters } = network;
  return (
    <Panel
      title="The rules"
      foot={
        <ButtonLink to="/governance" size="small">
          All parameters
        </ButtonLink>
      }
    >
      <Facts numbers>
        <Fact name="Least stake that claims">
          <StakeAmount value={parameters.minimumStake} />
        </Fact>
        <Fact name="A withdrawal takes">{formatSlots(parameters.unbondingSlots, pace.slotMs)}</Fact>
        <Fact name="A miss costs">{formatBasisPoints(parameters.missChargeBps)} of the bond</Fact>
        <Fact name="A proven fault costs">
          the bond and {formatBasisPoints(parameters.dispute.slashBps)} of the stake
        </Fact>
        <Fact name="Open jobs at most">{formatCount(parameters.maximumOpenJobsPerNode)}</Fact>
      </Facts>
    </Panel>
  );
}

function RegisterDialog({ taken, onClose }: { taken: ReadonlySet<number>; onClose: () => void }) {
  const [operator, setOperator] = useState("");
  const [endpoint, setEndpoint] = useState("");
  const [plan, setPlan] = useState<Plan>();
  const parsed = parseAddress(operator);
  const endpointFault =
    endpoint === "" || /^https?:\/\/[\x21-\x7e]{1,88}$/.test(endpoint)
      ? undefined
      : "It begins with http:// or https://, holds no spaces and has at most 96 characters.";
  const index =
    Array.from({ length: taken.size + 1 }, (_, candidate) => candidate).find((candidate) => !taken.has(candidate)) ?? 0;
  if (plan !== undefined) return <Review plan={plan} onClose={onClose} />;
  return (
    <Dialog
      title="Register a node"
      onClose={onClose}
      foot={
        <Button
          look="primary"
          disabled={"error" in parsed || endpointFault !== undefined}
          onClick={() => "value" in parsed && setPlan(registerNode(index, parsed.value, endpoint))}
        >
          Go on
        </Button>
      }
    >
      <TextField
        label="Operator's address"
        value={operator}
        onChange={setOperator}
        mono
        error={operator === "" ? undefined : "error" in parsed ? parsed.error : undefined}
        hint="The hot key on the machine, as assay node init prints it. It can never move stake."
      />
      <TextField
        label="Endpoint"
        value={endpoint}
        onChange={setEndpoint}
        mono
        inputMode="url"
        placeholder="serves nothing"
        error={endpointFault}
        hint="Where the node serves results and traces."
      />
    </Dialog>
  );
}
