/** A dispute of which no account is left: what an index remembers of it, or that nobody does. */
import { Fault } from "@assay/client/generated";
import { type Address, isAddress } from "@solana/kit";
import { Gavel, Layers } from "lucide-react";
import type { ReactNode } from "react";
import type { IndexHistory } from "../data/history-index/shape.ts";
import { type Asked, useIndexedJob } from "../data/index-hooks.ts";
import type { IndexedJob } from "../model/job-line.ts";
import { faultSentence } from "../model/job-state.ts";
import { AddressText } from "../ui/address.tsx";
import { ButtonLink, Note, Nothing, SkeletonLines } from "../ui/basics.tsx";
import { RecordsPanel } from "../ui/history.tsx";
import { PageHead } from "../ui/page.tsx";

/** Shown where nothing on-chain is a dispute of the job. */
export function PastDispute({ address }: { address: string }) {
  return (
    <>
      <PageHead
        title="Dispute"
        back={{ to: "/disputes", name: "Disputes" }}
        lead={<AddressText value={address} whole />}
        actions={
          isAddress(address) ? (
            <ButtonLink to={`/jobs/${address}`} icon={Layers}>
              To the job
            </ButtonLink>
          ) : undefined
        }
      />
      {isAddress(address) ? <Asking address={address} /> : <NothingOnChain>This is no address.</NothingOnChain>}
    </>
  );
}

function Asking({ address }: { address: Address }) {
  return <PastDisputeOf asked={useIndexedJob(address)} />;
}

/** The same, where the index was asked already. */
export function PastDisputeOf({ asked }: { asked: Asked<IndexHistory<IndexedJob>> }) {
  switch (asked.state) {
    case "loading":
      return <SkeletonLines label="Asking the index" lines={6} />;
    case "none":
      return (
        <NothingOnChain>
          Disputes that ended, were paid out and closed are not kept on-chain: an index remembers them, and none is set
          for this endpoint, or it is of no use now.
        </NothingOnChain>
      );
    case "failed":
      return <NothingOnChain>Whether there was one before is not known: {asked.reason}</NothingOnChain>;
    case "unknown":
      return <NothingOnChain>The index never saw this job, either.</NothingOnChain>;
    case "known":
      return <Remembered history={asked.value} />;
  }
}

function Remembered({ history: { row, timeline, more } }: { history: IndexHistory<IndexedJob> }) {
  const wasConvicted = row.fault !== Fault.None;
  const wasChallenged = timeline.some(({ change }) => change === "job_challenged" || change.startsWith("challenge_"));
  if (!wasConvicted && !wasChallenged) {
    return <NothingOnChain>The index saw no challenge of its result, either.</NothingOnChain>;
  }
  return (
    <div className="stack">
      <Note
        tone={wasConvicted ? "bad" : "idle"}
        title={
          wasConvicted
            ? `It was disputed, and convicted: ${faultSentence(row.fault)}`
            : "It was disputed, and no fault was proved."
        }
      >
        This is what the index remembers. The accounts of the dispute are gone, and nothing on-chain confirms it any
        more.
      </Note>
      <RecordsPanel records={timeline} more={more} />
    </div>
  );
}

function NothingOnChain({ children }: { children: ReactNode }) {
  return (
    <Nothing icon={Gavel} title="No dispute of this job is on-chain">
      {children}
    </Nothing>
  );
}
