/** One dispute: who says what, how far down it is, whose clock runs, who was paid. */
import { type Challenge, ChallengeState, Fault } from "@assay/client/generated";
import { Layers } from "lucide-react";
import { lazy, Suspense } from "react";
import { useMarket, useSlot, useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { useTransactions } from "../data/transactions.ts";
import { formatBasisPoints, formatCount } from "../model/amounts.ts";
import { type Clock, challengeWords, clocksAt, type Dispute, descents, payouts } from "../model/dispute-view.ts";
import { placeSentence, provedFault } from "../model/finding.ts";
import { faultSentence } from "../model/job-state.ts";
import { hex, isNobody, shortAddress } from "../model/keys.ts";
import { formatSlots } from "../model/time.ts";
import { AddressText, HashText } from "../ui/address.tsx";
import { Badge, ButtonLink, Fact, Facts, Meter, Note, Panel, SkeletonLines } from "../ui/basics.tsx";
import { DescentTree } from "../ui/descent.tsx";
import { When } from "../ui/job-bits.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { Amount, StakeAmount } from "../ui/unit.tsx";
import { DisputeBadge, useDisputes } from "./disputes.tsx";
import { PastDispute } from "./past-dispute.tsx";

const ElementCheck = lazy(() => import("../ui/element-check.tsx"));

/** Transactions of a job that are read for the event of the proof. */
const MOST_TRANSACTIONS = 60;

export default function DisputePage({ address }: { address: string }) {
  const table = useTable("challenge");
  const dispute = useDisputes().find(({ job }) => job.address === address);
  return (
    <Loaded table={table} what="dispute">
      {dispute === undefined ? <PastDispute address={address} /> : <Existing dispute={dispute} />}
    </Loaded>
  );
}

function Existing({ dispute }: { dispute: Dispute }) {
  const { job, challenges, demands, claims } = dispute;
  const trees = descents(demands);
  const { fault } = job.data.record;
  return (
    <>
      <PageHead
        title={`Dispute of ${shortAddress(job.address)}`}
        back={{ to: "/disputes", name: "Disputes" }}
        badge={<DisputeBadge dispute={dispute} />}
        lead="A challenger names what is wrong and descends to the one element; the program recomputes it."
        actions={
          <ButtonLink to={`/jobs/${job.address}`} icon={Layers}>
            To the job
          </ButtonLink>
        }
      />
      <div className="stack">
        {fault !== Fault.None && (
          <Note tone="bad" title={faultSentence(fault)}>
            Proved at slot {formatCount(job.data.record.convictedSlot)}. The claim that was proved:{" "}
            <HashText value={hex(job.data.record.provenKey)} what="proved claim" />
          </Note>
        )}
        {fault !== Fault.None && <Finding job={job} />}
        <div className="grid-2">
          <div className="stack">
            {challenges.map((challenge) => (
              <ChallengePanel key={challenge.address} challenge={challenge} dispute={dispute} />
            ))}
            {challenges.length === 0 && (
              <Panel title="Challenges">
                <p className="muted">All challenges were paid out and closed.</p>
              </Panel>
            )}
            <Panel title="The way down">
              {trees.length === 0 ? (
                <p className="muted">
                  Nothing had to be opened on-chain: the node served its trace, or the proof needed no more than what
                  was committed.
                </p>
              ) : (
                <div className="descent">
                  {trees.map((descent) => (
                    <DescentTree key={descent.key} descent={descent} />
                  ))}
                </div>
              )}
            </Panel>
          </div>
          <div className="stack">
            <Parties dispute={dispute} />
            {fault !== Fault.None && <Paid dispute={dispute} />}
            {claims.length > 0 && <Claims claims={claims} />}
          </div>
        </div>
      </div>
    </>
  );
}

/** What was proved, from the event of the proof, and the same recomputed here. */
function Finding({ job }: { job: Row<"job"> }) {
  const { fault, convictedSlot } = job.data.record;
  const transactions = useTransactions(job.address, `${convictedSlot}`, MOST_TRANSACTIONS, fault !== Fault.Withheld);
  if (fault === Fault.Withheld) return null;
  const proved =
    transactions !== undefined && "entries" in transactions
      ? provedFault(transactions.entries.map(({ event }) => event))
      : undefined;
  const place = proved?.fault === Fault.WrongElement ? proved : undefined;
  return (
    <Panel
      title="What was wrong"
      foot="The place is from the event of the proof. What is shown beside it was recomputed in this page, by the code that judges on-chain."
    >
      <div className="stack">
        {transactions === undefined ? (
          <SkeletonLines label="Reading the event of the proof" lines={1} />
        ) : (
          <p>
            {proved === undefined
              ? "The endpoint no longer has the transaction of the proof, so where the fault is is not known here. Any element can be recomputed:"
              : placeSentence(proved)}
          </p>
        )}
        {transactions !== undefined && (
          <Suspense>
            <ElementCheck row={job} place={place} />
          </Suspense>
        )}
      </div>
    </Panel>
  );
}

function ChallengePanel({ challenge: { address, data }, dispute }: { challenge: Row<"challenge">; dispute: Dispute }) {
  const { name, tone, sentence } = challengeWords(data);
  return (
    <Panel title={`Challenge ${shortAddress(address)}`} side={<Badge tone={tone}>{name}</Badge>}>
      <p>{sentence}</p>
      {data.state === ChallengeState.Revealed && <Clocks challenge={data} dispute={dispute} />}
      {data.state === ChallengeState.Sealed && <RevealClock challenge={data} dispute={dispute} />}
      <Facts>
        <Fact name="Challenger">
          <AddressText value={data.challenger} what="address of the challenger" />
        </Fact>
        <Fact name="Committed">
          <When slot={data.committedSlot} />
        </Fact>
        {data.revealedSlot > 0n && (
          <Fact name="Revealed">
            <When slot={data.revealedSlot} />
          </Fact>
        )}
        {data.revealedSlot > 0n && (
          <Fact name="Its own hash there">
            <HashText value={hex(data.ownHash)} what="hash that the challenger computed" />
          </Fact>
        )}
        <Fact name="Bond">
          <StakeAmount value={data.bond} />
        </Fact>
      </Facts>
    </Panel>
  );
}

function RevealClock({ challenge, dispute }: { challenge: Challenge; dispute: Dispute }) {
  const now = useSlot();
  const allowed = BigInt(dispute.job.data.dispute.revealSlots);
  const used = now > challenge.committedSlot ? now - challenge.committedSlot : 0n;
  return <ClockLine name="To reveal" clock={{ used, allowed, runs: true }} />;
}

function Clocks({ challenge, dispute }: { challenge: Challenge; dispute: Dispute }) {
  const now = useSlot();
  const waiting = dispute.demands.find(({ address }) => address === challenge.clocks.demand)?.data;
  const { challenger, defender } = clocksAt(challenge, waiting, dispute.job.data.dispute, now);
  return (
    <div className="stack" style={{ gap: 12, margin: "12px 0" }}>
      <ClockLine name="Challenger" clock={challenger} />
      <ClockLine name="Defending side" clock={defender} />
      <p className="small muted">
        {challenge.clocks.demands === 0
          ? "Nothing has been demanded yet: the challenger has to prove or to demand."
          : `${challenge.clocks.demands} openings demanded so far, of at most 24.`}
      </p>
    </div>
  );
}

function ClockLine({ name, clock }: { name: string; clock: Clock }) {
  const { pace } = useMarket();
  const left = clock.allowed > clock.used ? clock.allowed - clock.used : 0n;
  return (
    <div>
      <div className="row" style={{ justifyContent: "space-between", marginBottom: 4 }}>
        <span>
          {name} {clock.runs && <Badge tone="busy">to move</Badge>}
        </span>
        <span className="muted small">{left === 0n ? "out of time" : `${formatSlots(left, pace.slotMs)} left`}</span>
      </div>
      <Meter
        share={clock.allowed === 0n ? 1 : Number((clock.used * 1000n) / clock.allowed) / 1000}
        tone={left === 0n ? "bad" : clock.runs ? "busy" : "idle"}
        label={`Time that the ${name.toLowerCase()} has used`}
      />
    </div>
  );
}

function Parties({ dispute: { job, challenges } }: { dispute: Dispute }) {
  return (
    <Panel title="At stake">
      <Facts>
        <Fact name="Node">
          <AddressText value={job.data.node} to={`/nodes/${job.data.node}`} what="address of the node" />
        </Fact>
        <Fact name="Its bond">
          <StakeAmount value={job.data.bond} />
        </Fact>
        <Fact name="Client">
          <AddressText value={job.data.client} what="address of the client" />
        </Fact>
        <Fact name="Escrow">
          <Amount value={job.data.priceMax + job.data.audit.pot} mint={job.data.paymentMint} />
        </Fact>
        {challenges.map(({ address, data }) => (
          <Fact key={address} name={`Bond of ${shortAddress(data.challenger)}`}>
            <StakeAmount value={data.bond} />
          </Fact>
        ))}
      </Facts>
    </Panel>
  );
}

function Paid({ dispute: { job, challenges } }: { dispute: Dispute }) {
  const paid = payouts(job.data, challenges);
  return (
    <Panel
      title="Who got what"
      foot="At most half of the bond rewards challengers, so that nobody earns by challenging itself. The rest burns."
    >
      <Facts numbers>
        <Fact name="Back to the client">
          <Amount value={paid.refund} mint={job.data.paymentMint} />
        </Fact>
        <Fact name="Lost by the node: its bond">
          <StakeAmount value={paid.bond} />
        </Fact>
        <Fact name="Lost by the node besides">{formatBasisPoints(job.data.dispute.slashBps)} of its stake</Fact>
        <Fact name="Bounty out of the bond">
          <StakeAmount value={paid.bounty} />
        </Fact>
        {paid.challengers.map(({ address, bond, earned }) => (
          <Fact key={address} name={<AddressText value={address} what="address of the challenger" />}>
            <StakeAmount value={bond + earned} />
            <div className="small muted">bond back, and its share</div>
          </Fact>
        ))}
        {paid.toBurn > 0n && (
          <Fact name="Still to be burned">
            <StakeAmount value={paid.toBurn} />
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}

function Claims({ claims }: { claims: readonly Row<"segmentClaim">[] }) {
  return (
    <Panel title="Roots of segments">
      <Facts>
        {claims.map(({ address, data }) => (
          <Fact key={address} name={`Segment ${data.segment}`}>
            <HashText value={hex(data.root)} what="root of the segment" />
            <div className="small muted">
              {data.signed ? "signed by the node's operator" : "posted by somebody for the node"}
              {data.refutedSlot > 0n && ", refuted"}
              {!isNobody(data.author) && (
                <>
                  {" "}
                  <AddressText value={data.author} what="address of its author" />
                </>
              )}
            </div>
          </Fact>
        ))}
      </Facts>
    </Panel>
  );
}
