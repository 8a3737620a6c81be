/** One element of a result, recomputed in this page: one that somebody chooses, or the one that was proved wrong. */
import type { Graph } from "@assay/client";
import type { VerifyProgress } from "@assay/verifier";
import { Crosshair, ShieldCheck } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { fetchGraph, symbolsOf } from "../data/artifacts.ts";
import { useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import type { ElementAnswer, Place } from "../data/verify.ts";
import { formatCount } from "../model/amounts.ts";
import { shapeText } from "../model/tensor-view.ts";
import { formatDuration } from "../model/time.ts";
import { Button, Note } from "./basics.tsx";
import { SelectField, TextField } from "./field.tsx";
import { Running } from "./verify-here.tsx";

type State =
  | { readonly name: "idle" }
  | { readonly name: "running"; readonly progress: VerifyProgress | undefined }
  | { readonly name: "failed"; readonly sentence: string }
  | { readonly name: "done"; readonly answer: ElementAnswer };

/** Recomputes an element of a job: at `place`, or where the reader says. */
export default function ElementCheck({ row, place }: { row: Row<"job">; place?: Place | undefined }) {
  const endpoint = useTable("node").byAddress.get(row.data.node)?.data.endpoint;
  const [state, setState] = useState<State>({ name: "idle" });
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const start = async (at: Place) => {
    const controller = new AbortController();
    running.current = controller;
    setState({ name: "running", progress: undefined });
    try {
      // The verifier is loaded when somebody asks for it.
      const { recomputeElement } = await import("../data/verify.ts");
      const answer = await recomputeElement(row, endpoint, at, controller.signal, (progress) =>
        setState({ name: "running", progress }),
      );
      setState({ name: "done", answer });
    } catch (error) {
      if (controller.signal.aborted) return setState({ name: "idle" });
      setState({ name: "failed", sentence: error instanceof Error ? error.message : "It could not be recomputed." });
    }
  };
  const isRunning = state.name === "running";
  return (
    <div className="stack" style={{ gap: 10 }}>
      {isRunning && <Running progress={state.progress} onStop={() => running.current?.abort()} />}
      {state.name === "done" && <ElementVerdict answer={state.answer} />}
      {state.name === "failed" && (
        <Note tone="warn" title="The element could not be recomputed here.">
          {state.sentence}
        </Note>
      )}
      {place === undefined ? (
        <Chooser row={row} isBusy={isRunning} onChoose={(at) => void start(at)} />
      ) : (
        <div className="row">
          <Button icon={Crosshair} onClick={() => void start(place)} disabled={isRunning}>
            Recompute this element in this page
          </Button>
        </div>
      )}
    </div>
  );
}

/** What became of an element, in words. */
export function ElementVerdict({ answer: { check, milliseconds } }: { answer: ElementAnswer }) {
  const { committed, computed, verdict } = check;
  const name = `element ${formatCount(check.element)} of tensor ${check.slot}`;
  const took = milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : formatDuration(milliseconds);
  const how =
    check.from === "committed"
      ? `Op ${check.op} gives it out of ${formatCount(check.readCount)} elements that the node committed to; recomputed in ${took}.`
      : `Op ${check.op} gives it out of ${formatCount(check.readCount)} elements; a run of the whole graph from the job's inputs, in ${took}.`;
  const path =
    committed === undefined
      ? "Nobody serves what the node committed to there, or it lies inside a segment: there is nothing to compare it with."
      : `What the node committed to is in leaf ${formatCount(committed.leaf)}, which with ${formatCount(committed.siblings)} hashes beside it leads to the tensor's root, and all tensors to the root on-chain.`;
  const later =
    verdict === "wrong" && check.from === "run"
      ? " Where an earlier element is wrong, this one may be so because of it."
      : "";
  const words: ReactNode = (
    <>
      {how} {path}
      {later}
    </>
  );
  if (verdict !== "right") {
    const title =
      committed === undefined
        ? `Recomputed here: ${name} is ${computed}.`
        : `Recomputed here: ${name} is ${computed}, and the node committed to ${committed.value}.`;
    return (
      <Note tone={verdict === "wrong" ? "bad" : "idle"} title={title}>
        {words}
      </Note>
    );
  }
  return (
    <div className="note good" role="status">
      <ShieldCheck aria-hidden />
      <div>
        <strong>
          Recomputed here: {name} is {`${computed}`}, as the node committed to.
        </strong>
        <div>{words}</div>
      </div>
    </div>
  );
}

type Graphs =
  | { readonly name: "idle" | "fetching" }
  | { readonly name: "failed"; readonly sentence: string }
  | { readonly name: "here"; readonly graph: Graph };

interface Choosing {
  readonly row: Row<"job">;
  readonly isBusy: boolean;
  readonly onChoose: (place: Place) => void;
}

function Chooser({ row, isBusy, onChoose }: Choosing) {
  const [graphs, setGraphs] = useState<Graphs>({ name: "idle" });
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const load = async () => {
    const controller = new AbortController();
    running.current = controller;
    setGraphs({ name: "fetching" });
    try {
      setGraphs({ name: "here", graph: await fetchGraph(row.data, controller.signal) });
    } catch (error) {
      if (controller.signal.aborted) return;
      setGraphs({ name: "failed", sentence: error instanceof Error ? error.message : "The graph could not be read." });
    }
  };
  if (graphs.name === "here") return <Fields row={row} isBusy={isBusy} graph={graphs.graph} onChoose={onChoose} />;
  return (
    <>
      {graphs.name === "failed" && (
        <Note tone="warn" title="The graph could not be fetched.">
          {graphs.sentence}
        </Note>
      )}
      <div className="row">
        <Button icon={Crosshair} onClick={() => void load()} disabled={graphs.name === "fetching"}>
          Recompute one element
        </Button>
        <span className="small muted">Chooses a tensor and an element of it, and checks the path of its leaf.</span>
      </div>
    </>
  );
}

function Fields({ row, isBusy, graph, onChoose }: Choosing & { readonly graph: Graph }) {
  const layouts = graph.layouts(symbolsOf(graph, row.data));
  const [slot, setSlot] = useState(`${graph.outputs[0] ?? graph.boundary[0] ?? 0}`);
  const [element, setElement] = useState("0");
  const chosen = layouts[Number(slot)];
  const elements = chosen?.dims.reduce((product, dim) => product * dim, 1) ?? 0;
  const fits = /^\d+$/.test(element.trim()) && Number(element) < elements;
  const options = graph.boundary.map((at) => {
    const layout = layouts[at];
    const shape = layout === undefined ? "" : `: ${shapeText(layout)}`;
    return [`${at}`, `Tensor ${at}${shape}${graph.outputs.includes(at) ? ", the output" : ""}`] as const;
  });
  return (
    <>
      <SelectField label="Tensor" value={slot} options={options} onChange={setSlot} />
      <TextField
        label="Element"
        value={element}
        onChange={setElement}
        inputMode="numeric"
        hint="Counted from 0, row after row."
        {...(!fits && { error: `Tensor ${slot} has elements 0 to ${formatCount(elements - 1)}.` })}
      />
      <div className="row">
        <Button
          icon={Crosshair}
          disabled={!fits || isBusy}
          onClick={() => onChoose({ slot: Number(slot), element: Number(element) })}
        >
          Recompute it in this page
        </Button>
      </div>
    </>
  );
}
