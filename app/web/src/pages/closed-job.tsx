/** A job whose account is gone: what an index remembers of it, or that nobody does. */
import { Fault } from "@assay/client/generated";
import { type Address, isAddress } from "@solana/kit";
import type { IndexHistory } from "../data/history-index/shape.ts";
import { useIndex, useIndexedJob } from "../data/index-hooks.ts";
import { formatCount } from "../model/amounts.ts";
import type { IndexedJob } from "../model/job-line.ts";
import { faultSentence, reasonSentence } from "../model/job-state.ts";
import { hex, isNobody, shortAddress } from "../model/keys.ts";
import { HashText } from "../ui/address.tsx";
import { Badge, Fact, Facts, Note, Panel, SkeletonLines } from "../ui/basics.tsx";
import { RecordsPanel } from "../ui/history.tsx";
import { JobBadge } from "../ui/job-bits.tsx";
import { Missing } from "../ui/missing.tsx";
import { PageHead } from "../ui/page.tsx";
import { Parties } from "../ui/parties.tsx";
import { Amount, StakeAmount } from "../ui/unit.tsx";

/** Shown where the market has no account of a job. */
export function GoneJob({ address }: { address: string }) {
  return isAddress(address) ? <Asked address={address} /> : <Unknown address={address} />;
}

function Asked({ address }: { address: Address }) {
  const asked = useIndexedJob(address);
  if (asked.state === "loading") return <SkeletonLines label="Asking the index" lines={6} />;
  return asked.state === "known" ? (
    <Remembered history={asked.value} />
  ) : (
    <Unknown address={address} reason={asked.state === "failed" ? asked.reason : undefined} />
  );
}

function Unknown({ address, reason }: { address: string; reason?: string | undefined }) {
  const index = useIndex();
  return (
    <Missing address={address} kind="Job" list={{ to: "/jobs", name: "Jobs" }} remembered={false}>
      It was closed and its rent returned, it was never posted, or it is on another network.{" "}
      {index === undefined
        ? "Closed jobs are remembered by an index; none is set for this endpoint."
        : (reason ?? "The index never saw it, either.")}
    </Missing>
  );
}

function Remembered({ history }: { history: IndexHistory<IndexedJob> }) {
  const { address, data: job, fault, endedSlot, closedSlot } = history.row;
  const isReceipt = !isNobody(job.session);
  return (
    <>
      <PageHead
        title={`${isReceipt ? "Receipt" : "Job"} ${shortAddress(address)}`}
        back={{ to: "/jobs", name: "Jobs" }}
        badge={
          <>
            <JobBadge state={job.state} />
            <Badge>Closed</Badge>
          </>
        }
        lead={reasonSentence(job)}
      />
      <div className="stack">
        <Note title="The account of this job is gone.">
          This is what the index remembers of it. Nothing on-chain confirms it any more, and it can no longer be
          verified here.
        </Note>
        <div className="grid-2">
          <RecordsPanel records={history.timeline} more={history.more} />
          <div className="stack">
            <Panel title="As it was last">
              <Facts numbers>
                <Fact name="Posted">slot {formatCount(job.postedSlot)}</Fact>
                {job.claimedSlot > 0n && <Fact name="Claimed">slot {formatCount(job.claimedSlot)}</Fact>}
                {job.committedSlot > 0n && <Fact name="Result committed">slot {formatCount(job.committedSlot)}</Fact>}
                {endedSlot > 0n && <Fact name="Ended">slot {formatCount(endedSlot)}</Fact>}
                {closedSlot > 0n && <Fact name="Closed">slot {formatCount(closedSlot)}</Fact>}
                {!isReceipt && (
                  <Fact name="Offered">
                    <Amount value={job.priceMin} mint={job.paymentMint} /> to{" "}
                    <Amount value={job.priceMax} mint={job.paymentMint} />
                  </Fact>
                )}
                {job.claimedSlot > 0n && !isReceipt && (
                  <Fact name="Price, before fees">
                    <Amount value={job.price} mint={job.paymentMint} />
                  </Fact>
                )}
                <Fact name="Bond of the node">
                  <StakeAmount value={job.bond} />
                </Fact>
                {fault !== Fault.None && <Fact name="What was proved">{faultSentence(fault)}</Fact>}
              </Facts>
            </Panel>
            <Parties address={address} job={job}>
              <Fact name="Graph">
                <HashText value={hex(job.graphRoot)} what="root of the graph" />
              </Fact>
            </Parties>
          </div>
        </div>
      </div>
    </>
  );
}
