/** One job: its life, its price, its money, its result. */
import { type Job, JobState } from "@assay/client/generated";
import { isAddress } from "@solana/kit";
import { Check, Gavel, HandCoins, Undo2 } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useNetwork, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatBasisPoints } from "../model/amounts.ts";
import { bitsOf } from "../model/bits.ts";
import { scorePercent } from "../model/event-words.ts";
import { faultSentence, isEnded, reasonSentence, stateWords } from "../model/job-state.ts";
import { hex, isNobody, isZero, shortAddress } from "../model/keys.ts";
import { shares } from "../model/refunds.ts";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import {
  acceptResult,
  cancelJob,
  closesAfterPayout,
  endOverdue,
  reclaim,
  type Writers,
} from "../transact/plans/jobs.ts";
import { Review } from "../transact/review.tsx";
import { AddressText, HashText } from "../ui/address.tsx";
import { Button, ButtonLink, Fact, Facts, Note, Panel } from "../ui/basics.tsx";
import { EligibleNodes } from "../ui/eligible.tsx";
import { JobHistoryPanel } from "../ui/history.tsx";
import { JobBadge } from "../ui/job-bits.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { Parties } from "../ui/parties.tsx";
import { Ramp } from "../ui/ramp.tsx";
import { Timeline } from "../ui/timeline.tsx";
import { Amount, StakeAmount, useStakeUnit, useUnit, withSymbol } from "../ui/unit.tsx";
import { GoneJob } from "./closed-job.tsx";

/** Loaded after the page: nobody looks at a result before the job. */
const ResultPanel = lazy(() => import("../ui/result.tsx"));
const ElementCheck = lazy(() => import("../ui/element-check.tsx"));

export default function JobPage({ address }: { address: string }) {
  const table = useTable("job");
  const row = isAddress(address) ? table.byAddress.get(address) : undefined;
  return (
    <Loaded table={table} what="job">
      {row === undefined ? <GoneJob address={address} /> : <Existing row={row} />}
    </Loaded>
  );
}

function Existing({ row }: { row: Row<"job"> }) {
  const { address, data: job } = row;
  const isReceipt = !isNobody(job.session);
  return (
    <>
      <PageHead
        title={`${isReceipt ? "Receipt" : "Job"} ${shortAddress(address)}`}
        back={{ to: "/jobs", name: "Jobs" }}
        badge={<JobBadge state={job.state} />}
        lead={reasonSentence(job) ?? stateWords(job.state).sentence}
        actions={<Actions row={row} />}
      />
      <div className="stack">
        <DisputeNote row={row} />
        <div className="grid-2">
          <div className="stack">
            <Panel title="Its life">
              <Timeline job={job} />
            </Panel>
            {!isZero(job.commitment) && (
              <Suspense>
                <ResultPanel row={row} />
                <Panel title="One element">
                  <ElementCheck row={row} />
                </Panel>
              </Suspense>
            )}
            {!isReceipt && <PricePanel job={job} />}
            <Artifacts job={job} />
            <JobHistoryPanel
              address={address}
              version={`${job.state} ${job.record.challengesOpen} ${job.credits.node}`}
            />
          </div>
          <div className="stack">
            <JobParties row={row} />
            {!isReceipt && <Money job={job} />}
            {!isReceipt && <EligibleNodes row={row} />}
            <Terms job={job} />
          </div>
        </div>
      </div>
    </>
  );
}

function useWriters(job: Job): Writers {
  const payment = useUnit(job.paymentMint);
  const stake = useStakeUnit();
  return { payment: (value) => withSymbol(value, payment), stake: (value) => withSymbol(value, stake) };
}

function Actions({ row }: { row: Row<"job"> }) {
  const { signer } = useSigning();
  const slot = useSlot();
  const stakeMint = useNetwork()?.data.stakeMint;
  const record = useTable("paymentMint").rows.find(({ data }) => data.mint === row.data.paymentMint)?.data;
  const write = useWriters(row.data);
  const [plan, setPlan] = useState<Plan>();
  const { data } = row;
  const mine = signer !== undefined && signer.address === data.client;
  const overdue = endOverdue(row, slot);
  const withdrawable = data.credits.client > 0n || data.chargeCredit > 0n || closesAfterPayout(data);
  const buttons: ReactNode[] = [];
  if (mine && data.state === JobState.Posted) {
    buttons.push(
      <Button key="cancel" icon={Undo2} onClick={() => setPlan(cancelJob(row, write))}>
        Take it back
      </Button>,
    );
  }
  if (mine && data.state === JobState.Committed && data.unavailableOpen === 0) {
    buttons.push(
      <Button key="accept" icon={Check} onClick={() => setPlan(acceptResult(row, write))}>
        Accept early
      </Button>,
    );
  }
  if (mine && isEnded(data.state) && withdrawable && record !== undefined && stakeMint !== undefined) {
    buttons.push(
      <Button
        key="reclaim"
        look="primary"
        icon={HandCoins}
        onClick={() =>
          setPlan(reclaim(row, { mint: data.paymentMint, tokenProgram: record.tokenProgram }, stakeMint, write))
        }
      >
        Take out what is yours
      </Button>,
    );
  }
  if (signer !== undefined && overdue !== undefined) {
    buttons.push(
      <Button key="end" onClick={() => setPlan(overdue)}>
        {overdue.title}
      </Button>,
    );
  }
  return (
    <>
      {buttons}
      {plan !== undefined && <Review plan={plan} onClose={() => setPlan(undefined)} />}
    </>
  );
}

function DisputeNote({ row: { address, data } }: { row: Row<"job"> }) {
  const challenges = useTable("challenge").rows.filter((challenge) => challenge.data.job === address);
  if (challenges.length === 0 && data.state !== JobState.Convicted) return null;
  const convicted = data.state === JobState.Convicted;
  return (
    <Note
      tone={convicted ? "bad" : "warn"}
      title={convicted ? faultSentence(data.record.fault) : "This result is disputed."}
    >
      <div className="row" style={{ marginTop: 8 }}>
        <ButtonLink to={`/disputes/${address}`} size="small" icon={Gavel}>
          Follow the dispute
        </ButtonLink>
      </div>
    </Note>
  );
}

function PricePanel({ job }: { job: Job }) {
  const slot = useSlot();
  const unit = useUnit(job.paymentMint);
  const open = job.state === JobState.Posted;
  return (
    <Panel title="Price">
      <Ramp
        ramp={job}
        claimSlots={job.claimSlots}
        unit={unit}
        elapsed={open && slot >= job.postedSlot ? slot - job.postedSlot : undefined}
        claimed={job.claimedSlot > 0n ? job.claimedSlot - job.postedSlot : undefined}
      />
    </Panel>
  );
}

function Money({ job }: { job: Job }) {
  const mint = job.paymentMint;
  const split = shares(job);
  const ended = isEnded(job.state);
  return (
    <Panel title={ended ? "Who got what" : "Money"}>
      <Facts numbers>
        <Fact name="Escrowed">
          <Amount value={job.priceMax + job.audit.pot} mint={mint} />
        </Fact>
        {job.claimedSlot > 0n && (
          <Fact name="Price, fixed by the claim">
            <Amount value={job.price} mint={mint} />
          </Fact>
        )}
        {split !== undefined && (
          <>
            <Fact name={ended ? "Node" : "Node, if it stands"}>
              <Amount value={split.node} mint={mint} />
            </Fact>
            {split.delegators > 0n && (
              <Fact name={ended ? "Its delegators" : "Its delegators, if it stands"}>
                <Amount value={split.delegators} mint={mint} />
              </Fact>
            )}
            <Fact name={ended ? "Back to the client" : "Back to the client, if it stands"}>
              <Amount value={split.client} mint={mint} />
            </Fact>
            <Fact name="Protocol">
              <Amount value={split.fee} mint={mint} />
            </Fact>
            {job.audit.pot > 0n && (
              <Fact name="Validators">
                <Amount value={split.audits} mint={mint} />
              </Fact>
            )}
          </>
        )}
        <Fact name="Bond of the node">
          <StakeAmount value={job.bond} />
        </Fact>
        {job.chargeCredit > 0n && (
          <Fact name="Charge for the miss, to the client">
            <StakeAmount value={job.chargeCredit} />
          </Fact>
        )}
        {job.record.burnCredit > 0n && (
          <Fact name="To be burned">
            <StakeAmount value={job.record.burnCredit} />
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}

function JobParties({ row: { address, data } }: { row: Row<"job"> }) {
  return (
    <Parties address={address} job={data}>
      {!isNobody(data.invitedNode) && (
        <Fact name="Invited node">
          <AddressText value={data.invitedNode} to={`/nodes/${data.invitedNode}`} what="address of the invited node" />
        </Fact>
      )}
      <Fact name="Operator">
        <AddressText value={data.operator} what="address of the operator" />
      </Fact>
      <Fact name="Mint of the price">
        <AddressText value={data.paymentMint} what="address of the mint" />
      </Fact>
    </Parties>
  );
}

function Artifacts({ job }: { job: Job }) {
  const symbols = job.symbols.filter((value) => value > 0);
  return (
    <Panel
      title="What is computed"
      foot="The roots bind every byte; the addresses say where to fetch them, and whoever fetches checks them against the roots."
    >
      <Facts>
        <Artifact name="Graph" root={hex(job.graphRoot)} uri={job.graphUri} />
        <Artifact name="Weights" root={hex(job.paramsRoot)} uri={job.paramsUri} />
        <Artifact name="Inputs" root={hex(job.inputsRoot)} uri={job.inputsUri} />
        <Fact name="Symbols">
          {symbols.length === 0 ? (
            <span className="faint">none</span>
          ) : (
            <span className="mono">{symbols.join(", ")}</span>
          )}
        </Fact>
        <Fact name="Graph language">version {job.irVersion}</Fact>
      </Facts>
    </Panel>
  );
}

function Artifact({ name, root, uri }: { name: string; root: string; uri: string }) {
  const linked = /^https?:\/\//.test(uri);
  return (
    <Fact name={name}>
      <HashText value={root} what={`root of the ${name.toLowerCase()}`} />
      <div className="small muted">
        {linked ? (
          <a href={uri} rel="noreferrer noopener" target="_blank">
            {uri}
          </a>
        ) : (
          uri
        )}
      </div>
    </Fact>
  );
}

function Terms({ job }: { job: Job }) {
  return (
    <Panel title="Terms">
      <Facts numbers>
        <Fact name="To claim">{job.claimSlots.toLocaleString("en-GB")} slots</Fact>
        <Fact name="To compute">{job.runSlots.toLocaleString("en-GB")} slots</Fact>
        <Fact name="To challenge">{job.windowSlots.toLocaleString("en-GB")} slots</Fact>
        <Fact name="Least stake of the node">
          <StakeAmount value={job.minimumStake} />
        </Fact>
        <Wishes filter={job.filter} />
        <Fact name="Fee of the protocol">{formatBasisPoints(job.protocolFeeBps)}</Fact>
        <Fact name="Charge for a miss">{formatBasisPoints(job.missChargeBps)} of the bond</Fact>
        <Fact name="Slash for a fault">{formatBasisPoints(job.dispute.slashBps)} of the stake, and the bond</Fact>
        {job.audit.pot > 0n && (
          <Fact name="Audit pot">
            <Amount value={job.audit.pot} mint={job.paymentMint} />, {job.audit.attestations} attested
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}

/** What the client asks of nodes beside their stake; nothing where it asks for nothing. */
function Wishes({ filter }: { filter: Job["filter"] }) {
  const { regions, capabilities, minimumTier, minimumScore } = filter;
  return (
    <>
      {regions > 0n && <Fact name="Regions">{bitsOf(regions).join(", ")}</Fact>}
      {capabilities > 0n && <Fact name="Capabilities">{bitsOf(capabilities).join(", ")}</Fact>}
      {minimumTier > 0 && <Fact name="Least hardware tier">{minimumTier}</Fact>}
      {minimumScore[0] > 0 && <Fact name="Least reputation">{scorePercent(minimumScore[0])}</Fact>}
    </>
  );
}
