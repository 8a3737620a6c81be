/** The steps of a job. */

import { type Job, JobState } from "@assay/client/generated";
import { Check, X } from "lucide-react";
import { useMarket, useSlot } from "../data/hooks.ts";
import { nextDeadline } from "../model/job-state.ts";
import { type Step, timeline } from "../model/job-timeline.ts";
import { formatSlots } from "../model/time.ts";
import { Meter } from "./basics.tsx";
import { When } from "./job-bits.tsx";

/** From post to settle. */
export function Timeline({ job }: { job: Job }) {
  return (
    <ol className="timeline">
      {timeline(job).map((step) => (
        <li key={step.key} className={step.state} aria-current={step.state === "now" ? "step" : undefined}>
          <span className="dot" aria-hidden>
            {(step.state === "past" || step.state === "good") && <Check />}
            {step.state === "bad" && <X />}
          </span>
          <div>
            <div className="what">{step.title}</div>
            <div className="small muted">{step.detail}</div>
            {step.state === "now" && <Progress job={job} step={step} />}
          </div>
          <div className="when">
            {step.slot !== undefined && (
              <>
                <When slot={step.slot} />
                <div className="faint">slot {step.slot.toLocaleString("en-GB")}</div>
              </>
            )}
            {step.last !== undefined && <div className="faint">until slot {step.last.toLocaleString("en-GB")}</div>}
          </div>
        </li>
      ))}
    </ol>
  );
}

function Progress({ job, step }: { job: Job; step: Step }) {
  const now = useSlot();
  const { pace } = useMarket();
  const { last } = step;
  if (last === undefined || now === 0n) return null;
  const start = startOf(job);
  const share = now >= last ? 1 : Number(((now - start) * 1000n) / (last - start || 1n)) / 1000;
  const afterwards = nextDeadline(job)?.afterwards ?? "";
  return (
    <div style={{ maxWidth: 320, marginTop: 8 }}>
      <Meter share={share} label="Time gone by" tone={now > last ? "warn" : "busy"} />
      <div className="small muted" style={{ marginTop: 4 }}>
        {now > last
          ? `Its time is over: it ${afterwards}.`
          : `${formatSlots(last - now, pace.slotMs)} left; then it ${afterwards}.`}
      </div>
    </div>
  );
}

function startOf(job: Job): bigint {
  if (job.state === JobState.Posted) return job.postedSlot;
  return job.state === JobState.Claimed ? job.claimedSlot : job.committedSlot;
}
