/** The button that recomputes a result in this page, and what it found. */
import type { VerifyProgress } from "@assay/verifier";
import { Cpu, ShieldCheck, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Row } from "../data/kinds.ts";
import type { Verification } from "../data/verify.ts";
import { formatCount } from "../model/amounts.ts";
import { formatDuration } from "../model/time.ts";
import { Button, Meter, Note } from "./basics.tsx";

type State =
  | { readonly name: "idle" }
  | { readonly name: "running"; readonly progress: VerifyProgress | undefined }
  | { readonly name: "failed"; readonly sentence: string }
  | { readonly name: "done"; readonly verification: Verification };

const STAGES: Readonly<Record<VerifyProgress["stage"], string>> = {
  artifacts: "Hashing graph, weights and inputs",
  served: "Hashing what the node serves",
  run: "Recomputing every element",
  compare: "Comparing with the commitment",
};

/** Recomputes the whole result; nobody is asked for anything but bytes. */
export function VerifyHere({ row, endpoint }: { row: Row<"job">; endpoint: string | undefined }) {
  const [state, setState] = useState<State>({ name: "idle" });
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const start = async () => {
    const controller = new AbortController();
    running.current = controller;
    setState({ name: "running", progress: undefined });
    try {
      // The verifier is loaded when somebody asks for it.
      const { verifyJob } = await import("../data/verify.ts");
      const verification = await verifyJob(row, endpoint, controller.signal, (progress) =>
        setState({ name: "running", progress }),
      );
      setState({ name: "done", verification });
    } catch (error) {
      if (controller.signal.aborted) return setState({ name: "idle" });
      setState({ name: "failed", sentence: error instanceof Error ? error.message : "It could not be recomputed." });
    }
  };
  switch (state.name) {
    case "running":
      return <Running progress={state.progress} onStop={() => running.current?.abort()} />;
    case "done":
      return <Verdict verification={state.verification} />;
    default:
      return (
        <div className="stack" style={{ gap: 10 }}>
          {state.name === "failed" && (
            <Note tone="warn" title="It could not be verified here.">
              {state.sentence}
            </Note>
          )}
          <div className="row">
            <Button icon={Cpu} onClick={() => void start()}>
              {state.name === "failed" ? "Try again" : "Verify it in this page"}
            </Button>
            <span className="small muted">
              Recomputes everything with the code that judges on-chain, as WebAssembly.
            </span>
          </div>
        </div>
      );
  }
}

/** How far a computation in this page is. */
export function Running({ progress, onStop }: { progress: VerifyProgress | undefined; onStop: () => void }) {
  const share =
    progress === undefined || progress.totalPoints === 0n
      ? 0
      : Number((progress.points * 1000n) / progress.totalPoints) / 1000;
  return (
    <div role="status">
      <div className="row" style={{ justifyContent: "space-between", marginBottom: 6 }}>
        <span>{progress === undefined ? "Fetching what the job pins" : STAGES[progress.stage]}</span>
        <Button size="small" look="quiet" icon={X} onClick={onStop}>
          Stop
        </Button>
      </div>
      <Meter share={share} label="Share that is recomputed" />
    </div>
  );
}

function Verdict({ verification: { report, compared, milliseconds } }: { verification: Verification }) {
  const effort = `${formatCount(report.points)} products and elements in ${milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : formatDuration(milliseconds)}`;
  if (report.verdict === "right") {
    return (
      <div className="note good" role="status">
        <ShieldCheck aria-hidden />
        <div>
          <strong>Verified here: the result is right.</strong>
          <div>This page recomputed {effort}, and every hash that the node committed to is the same.</div>
        </div>
      </div>
    );
  }
  const { difference } = report;
  return (
    <Note tone="bad" title="The result is wrong: this page computed another one.">
      It recomputed {effort}.{" "}
      {difference === undefined
        ? compared
          ? "What the node serves is right, and what it committed to is not."
          : "The node's own tensors could not be had, so where they differ is not known."
        : `The first element that differs is number ${formatCount(difference.element)} of tensor ${difference.slot}: the node says ${difference.served}, and it is ${difference.computed}.`}
    </Note>
  );
}
