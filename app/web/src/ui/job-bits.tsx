/** Parts of jobs that several pages show. */
import type { JobState } from "@assay/client/generated";
import { useMarket, useSlot } from "../data/hooks.ts";
import type { JobFacts } from "../model/job-line.ts";
import { isEnded, nextDeadline, stateWords } from "../model/job-state.ts";
import { formatRelative } from "../model/time.ts";
import { Badge } from "./basics.tsx";

/** The state of a job. */
export function JobBadge({ state }: { state: JobState }) {
  const { name, tone } = stateWords(state);
  return <Badge tone={tone}>{name}</Badge>;
}

/** A slot as time from now. Drawn anew with every slot. */
export function When({ slot }: { slot: bigint }) {
  const now = useSlot();
  const { pace } = useMarket();
  return (
    <span title={`Slot ${slot.toLocaleString("en-GB")}`}>
      {now === 0n ? `slot ${slot}` : formatRelative(slot, now, pace.slotMs)}
    </span>
  );
}

/** Until when the job's next step has to come. */
export function NextDeadline({ job }: { job: JobFacts }) {
  const now = useSlot();
  const { pace } = useMarket();
  const next = nextDeadline(job);
  if (next === undefined) return <span className="faint">{isEnded(job.state) ? "ended" : "open"}</span>;
  if (now > next.last) return <span style={{ color: "var(--warn)" }}>overdue</span>;
  const text = formatRelative(next.last, now, pace.slotMs);
  return <span title={`Until slot ${next.last}; then it ${next.afterwards}`}>{now === 0n ? "" : text}</span>;
}
