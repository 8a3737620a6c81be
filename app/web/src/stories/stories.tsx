/** Every state of every part, on one page, to look at and to test. */
import type { AssayEvent } from "@assay/client";
import { Fault, JobState } from "@assay/client/generated";
import { signature } from "@solana/kit";
import { CloudOff, Layers, SearchX } from "lucide-react";
import { useState } from "react";
import { eventSentence, slotText } from "../model/event-words.ts";
import { JOB_STATES, stateWords } from "../model/job-state.ts";
import { Effects, Foot, Sending } from "../transact/review.tsx";
import { AddressText, HashText } from "../ui/address.tsx";
import { ArtifactField } from "../ui/artifact-field.tsx";
import { Badge, Button, Fact, Facts, Figure, Meter, Note, Nothing, Panel, SkeletonLines } from "../ui/basics.tsx";
import { BarChart } from "../ui/charts.tsx";
import { DescentTree } from "../ui/descent.tsx";
import { Chips, SelectField, TextField, toggled } from "../ui/field.tsx";
import { RecordsPanel } from "../ui/history.tsx";
import { standingSentence } from "../ui/index-standing.ts";
import { PageHead } from "../ui/page.tsx";
import { Ramp } from "../ui/ramp.tsx";
import { ScoreSteps } from "../ui/reputation-history.tsx";
import { TensorView } from "../ui/tensor.tsx";
import { Timeline } from "../ui/timeline.tsx";
import { TotalsOf } from "../ui/totals.tsx";
import {
  DELEGATION_EVENTS,
  RECORDS,
  SAMPLE_HOUR,
  STANDINGS,
  STATS,
  STEPS,
  sampleJob,
  TREE,
  VECTOR,
} from "./samples.ts";

const SIGNATURE = signature("5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW");
const UNIT = { symbol: "USDC", decimals: 6 };

export default function Stories() {
  return (
    <>
      <PageHead title="Stories" lead="Every state of the parts that pages are made of." />
      <div className="stack">
        <Panel title="Buttons">
          <div className="row">
            <Button look="primary">Primary</Button>
            <Button>Plain</Button>
            <Button look="danger">Danger</Button>
            <Button look="quiet">Quiet</Button>
            <Button size="small">Small</Button>
            <Button disabled>Disabled</Button>
            <Button look="primary" disabled>
              Disabled
            </Button>
          </div>
        </Panel>
        <Panel title="States of jobs">
          <Facts>
            {JOB_STATES.map((state) => (
              <Fact key={state} name={<Badge tone={stateWords(state).tone}>{stateWords(state).name}</Badge>}>
                {stateWords(state).sentence}
              </Fact>
            ))}
          </Facts>
        </Panel>
        <div className="grid-even">
          {JOB_STATES.map((state) => (
            <Panel key={state} title={`Life: ${stateWords(state).name.toLowerCase()}`}>
              <Timeline job={sampleJob(state, state === JobState.Convicted ? Fault.WrongElement : Fault.None)} />
            </Panel>
          ))}
        </div>
        <div className="grid-even">
          <Panel title="Price: waiting">
            <Ramp ramp={sampleJob(JobState.Posted)} claimSlots={150n} unit={UNIT} elapsed={40n} />
          </Panel>
          <Panel title="Price: claimed">
            <Ramp ramp={sampleJob(JobState.Settled)} claimSlots={150n} unit={UNIT} claimed={22n} />
          </Panel>
          <Panel title="Price: a jump">
            <Ramp ramp={{ ...sampleJob(JobState.Posted), rampSlots: 0n }} claimSlots={150n} unit={UNIT} />
          </Panel>
          <Panel title="Results over time">
            <BarChart
              label="A sample"
              spanText="1 h"
              buckets={[3, 8, 5, 12, 0, 7, 9].map((committed, index) => ({
                firstSlot: BigInt(index),
                committed,
                convicted: index === 3 ? 2 : 0,
              }))}
            />
          </Panel>
        </div>
        <Figures />
        <div className="grid-even">
          <Panel title="Notes">
            <div className="stack">
              <Note title="Something to know.">Said in a sentence or two.</Note>
              <Note tone="good" title="It works." />
              <Note tone="warn" title="Look at this." />
              <Note tone="bad" title="This went wrong.">
                And what to do about it.
              </Note>
            </div>
          </Panel>
          <Panel title="What a transaction does">
            <Effects
              effects={[
                { kind: "out", text: "Tokens move out." },
                { kind: "in", text: "Tokens come back." },
                { kind: "lock", text: "Something is at risk." },
                { kind: "wait", text: "Something takes time." },
                { kind: "note", text: "Something to know." },
              ]}
            />
          </Panel>
        </div>
        <div className="grid-even">
          {[true, false].map((isAnswered) => (
            <Panel key={String(isAnswered)} title={isAnswered ? "Sent" : "Sent, and nobody says what became of it"}>
              <Sending signature={SIGNATURE} isAnswered={isAnswered} />
              <Foot
                stage={{ name: "sending", signature: SIGNATURE, isAnswered }}
                action="Sign and post"
                onClose={() => {}}
                onAgain={() => {}}
                onSign={() => {}}
              />
            </Panel>
          ))}
          <Panel title="Empty" flush>
            <Nothing icon={Layers} title="No jobs yet" actions={<Button look="primary">Post the first</Button>}>
              Whoever needs something computed posts a job.
            </Nothing>
          </Panel>
          <Panel title="Nothing matches" flush>
            <Nothing icon={SearchX} title="No job matches" actions={<Button>Clear the filters</Button>} />
          </Panel>
          <Panel title="Failed" flush>
            <Nothing icon={CloudOff} title="The jobs could not be loaded" actions={<Button>Try again</Button>}>
              The endpoint does not answer. The app goes on trying by itself.
            </Nothing>
          </Panel>
          <Panel title="Loading" flush>
            <SkeletonLines label="Loading" />
          </Panel>
        </div>
        <Fields />
        <History />
        <div className="grid-even">
          <Panel title="A dispute's way down">
            <DescentTree descent={TREE} />
          </Panel>
          <Panel title="A result as a table">
            <TensorView bytes={VECTOR.bytes} shape={VECTOR.shape} />
          </Panel>
        </div>
      </div>
    </>
  );
}

function History() {
  return (
    <div className="grid-even">
      <Panel title="A reputation over time">
        <ScoreSteps steps={STEPS} score={47_000} />
      </Panel>
      <Panel title="A reputation without a past">
        <ScoreSteps steps={[]} score={0} />
      </Panel>
      <TotalsOf asked={{ state: "known", value: STATS }} nowSeconds={SAMPLE_HOUR} />
      <TotalsOf
        title="Settled jobs: failed"
        asked={{ state: "failed", reason: "http://127.0.0.1:8920 answered 500." }}
        nowSeconds={SAMPLE_HOUR}
      />
      <RecordsPanel records={RECORDS} more={false} />
      <Panel title="How an index stands">
        <ul className="plain">
          {STANDINGS.map((standing, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two of them have the same name, and none moves
            <li key={index}>{standingSentence("http://127.0.0.1:8920", standing)}</li>
          ))}
        </ul>
      </Panel>
      <Panel title="Events of delegated stake" flush>
        <ul className="feed history">
          {DELEGATION_EVENTS.map((name, index) => (
            <li key={name}>
              <span className="faint small">{slotText(BigInt(1_000 + index))}</span>
              <span>{eventSentence({ name } as AssayEvent)}</span>
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title="A file that is given or uploaded">
        <ArtifactField
          label="Address of the inputs"
          value="https://store.example/inputs"
          onChange={() => {}}
          store={{ url: "http://127.0.0.1:8080", token: "" }}
        />
      </Panel>
    </div>
  );
}

function Figures() {
  return (
    <div className="stack">
      <div className="figures">
        <Figure name="Open jobs" value="1,204" note="88 wait for a node" />
        <Figure name="Staked" value="4.2M" unit="STAKE" note="12 % is locked" />
        <Figure name="Nodes" value="0" note="none yet" />
      </div>
      <Panel title="Meters and addresses">
        <div className="stack">
          {(["busy", "good", "warn", "bad", "gold"] as const).map((tone) => (
            <Meter key={tone} tone={tone} share={0.4} label={`A share in ${tone}`} />
          ))}
          <div className="row">
            <AddressText value="4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj" />
            <AddressText value="11111111111111111111111111111111" />
            <AddressText value="4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj" whole />
            <HashText value={"ab".repeat(32)} />
          </div>
        </div>
      </Panel>
    </div>
  );
}

function Fields() {
  const [text, setText] = useState("12.5");
  const [order, setOrder] = useState<"new" | "old">("new");
  const [chips, setChips] = useState<ReadonlySet<string>>(new Set(["Settled"]));
  return (
    <Panel title="Fields">
      <div className="form-grid">
        <TextField label="Amount" value={text} onChange={setText} unit="USDC" hint="All of it goes into escrow." />
        <TextField
          label="Amount that is wrong"
          value="1.2.3"
          onChange={() => {}}
          error="Use digits and at most one point, such as 12.5."
        />
        <SelectField
          label="Order"
          value={order}
          options={[
            ["new", "Newest first"],
            ["old", "Oldest first"],
          ]}
          onChange={setOrder}
        />
        <Chips
          label="States"
          options={[
            { key: "Posted", name: "Posted", count: 12 },
            { key: "Settled", name: "Settled", count: 3_400 },
          ]}
          chosen={chips}
          onToggle={(key) => setChips(toggled(chips, key))}
        />
      </div>
    </Panel>
  );
}
