/** Posting a job, step by step: what is computed, for how much, on which terms, and everything that can come of it. */
import type { Network, PaymentMint } from "@assay/client";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { useNetwork, useTable } from "../data/hooks.ts";
import { type Draft, firstDraft, readOffer, type Work } from "../model/offer.ts";
import { Button, ButtonLink, Nothing, Panel } from "../ui/basics.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { useStakeUnit } from "../ui/unit.tsx";
import { Candidates } from "./post/candidates.tsx";
import { PriceStep } from "./post/price-step.tsx";
import { ReviewStep } from "./post/review-step.tsx";
import { TermsStep } from "./post/terms-step.tsx";
import { WorkStep } from "./post/work-step.tsx";

const STEPS = ["What is computed", "Price", "Terms", "Review and sign"] as const;

export default function Post() {
  const network = useTable("network");
  return (
    <>
      <PageHead
        title="Post a job"
        lead="The price goes into escrow; a staked node computes; you pay for a result that nobody could prove wrong, or you have everything back."
      />
      <Loaded table={network} what="network">
        <Wizard />
      </Loaded>
    </>
  );
}

function Wizard() {
  const network = useNetwork()?.data;
  const mints = useTable("paymentMint")
    .rows.map(({ data }) => data)
    .filter(({ enabled }) => enabled);
  const [first] = mints;
  if (network === undefined) return null;
  if (first === undefined) {
    return (
      <Nothing
        icon={Plus}
        title="No token is accepted for payments yet"
        actions={<ButtonLink to="/governance">Governance</ButtonLink>}
      >
        Governance has to allow a mint before jobs can be paid.
      </Nothing>
    );
  }
  return <Form network={network} mints={mints} first={first} />;
}

function Form({ network, mints, first }: { network: Network; mints: readonly PaymentMint[]; first: PaymentMint }) {
  const [search] = useSearchParams();
  const [, go] = useLocation();
  const [step, setStep] = useState(0);
  const [work, setWork] = useState<Work>();
  const [mintAddress, setMint] = useState<string>();
  // A link can invite a node.
  const [draft, setDraft] = useState<Draft>(() => ({
    ...firstDraft(network),
    invitedNode: search.get("invite") ?? "",
  }));
  const stake = useStakeUnit();
  const mint = mints.find((one) => one.mint === mintAddress) ?? first;
  const read = readOffer(draft, network, mint, { payment: mint.decimals, stake: stake.decimals ?? 0 });
  const faults = "faults" in read ? read.faults : {};
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const reachable = work === undefined ? 0 : "offer" in read ? 3 : 2;
  const next = (
    <Button look="primary" disabled={step >= reachable} onClick={() => setStep(step + 1)}>
      Go on
    </Button>
  );
  return (
    <div>
      <Steps step={step} reachable={reachable} onStep={setStep} />
      {step === 0 && <WorkStep work={work} onWork={setWork} asked={search.get("model") ?? undefined} next={next} />}
      {step === 1 && work !== undefined && (
        <PriceStep
          work={work}
          draft={draft}
          faults={faults}
          mint={mint}
          mints={mints}
          onMint={setMint}
          onChange={set}
          next={next}
        />
      )}
      {step === 2 && (
        <TermsStep
          draft={draft}
          faults={faults}
          onChange={set}
          mint={mint}
          candidates={
            work !== undefined && "offer" in read && <Candidates work={work} offer={read.offer} mint={mint} />
          }
          next={next}
        />
      )}
      {step === 3 && work !== undefined && "offer" in read && (
        <ReviewStep work={work} offer={read.offer} mint={mint} onPosted={(job) => go(`/jobs/${job}`)} />
      )}
      {step === 3 && "faults" in read && (
        <Panel title="Something is missing">
          <p>{Object.values(faults)[0]}</p>
        </Panel>
      )}
    </div>
  );
}

function Steps({ step, reachable, onStep }: { step: number; reachable: number; onStep: (step: number) => void }) {
  return (
    <nav className="steps" aria-label="Steps">
      {STEPS.map((name, index) => (
        <button
          key={name}
          type="button"
          className={index < step ? "done" : ""}
          aria-current={index === step ? "step" : undefined}
          disabled={index > reachable}
          onClick={() => onStep(index)}
        >
          <span className="number">{index + 1}</span>
          {name}
        </button>
      ))}
    </nav>
  );
}
