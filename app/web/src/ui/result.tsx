/** The result of a job: fetched on request, checked against the commitment, shown as what it is. */
import { Download, ShieldCheck } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { type CommittedOutput, fetchOutput } from "../data/artifacts.ts";
import { useTable } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { formatCount } from "../model/amounts.ts";
import { hex, isZero } from "../model/keys.ts";
import { shapeText } from "../model/tensor-view.ts";
import { HashText } from "./address.tsx";
import { Button, Fact, Facts, Note, Panel, Skeleton } from "./basics.tsx";
import { TensorView } from "./tensor.tsx";
import { VerifyHere } from "./verify-here.tsx";

type Fetching =
  | { readonly state: "idle" | "fetching" }
  | { readonly state: "failed"; readonly sentence: string }
  | { readonly state: "here"; readonly output: CommittedOutput };

/** The commitment, and the result that it binds. */
export default function ResultPanel({ row }: { row: Row<"job"> }) {
  const { data } = row;
  const endpoint = useTable("node").byAddress.get(data.node)?.data.endpoint;
  const [fetching, setFetching] = useState<Fetching>({ state: "idle" });
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const fetchIt = async () => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setFetching({ state: "fetching" });
    try {
      setFetching({ state: "here", output: await fetchOutput(data, endpoint, controller.signal) });
    } catch (error) {
      if (controller.signal.aborted) return;
      setFetching({
        state: "failed",
        sentence: error instanceof Error ? error.message : "The result could not be fetched.",
      });
    }
  };
  return (
    <Panel
      title="Result"
      side={
        fetching.state === "here" ? (
          <SaveButton bytes={fetching.output.bytes} />
        ) : (
          <Button size="small" icon={Download} onClick={() => void fetchIt()} disabled={fetching.state === "fetching"}>
            {fetching.state === "failed" ? "Try again" : "Fetch and check it"}
          </Button>
        )
      }
    >
      <div className="stack">
        {fetching.state === "fetching" && (
          <div className="stack" role="status" aria-label="Fetching the result">
            <Skeleton width="60%" />
            <Skeleton height="80px" />
          </div>
        )}
        {fetching.state === "failed" && (
          <Note tone="warn" title="The result could not be fetched.">
            {fetching.sentence}
          </Note>
        )}
        {fetching.state === "here" && <Here output={fetching.output} />}
        <VerifyHere row={row} endpoint={endpoint} />
        <Facts>
          <Fact name="Commitment">
            <HashText value={hex(data.commitment)} what="commitment" />
          </Fact>
          <Fact name="Root of the output">
            <HashText value={hex(data.outputRoot)} what="root of the output" />
          </Fact>
          <Fact name="List of its parts">
            {isZero(data.resultManifest) ? (
              <span className="faint">only from its node</span>
            ) : (
              <HashText value={hex(data.resultManifest)} what="hash of the list" />
            )}
          </Fact>
        </Facts>
      </div>
    </Panel>
  );
}

function Here({ output }: { output: CommittedOutput }) {
  return (
    <>
      <div className="note good">
        <ShieldCheck aria-hidden />
        <div>
          <strong>These are the committed bytes, checked here.</strong>
          <div>
            This page built the hash tree of {formatCount(output.bytes.length)} bytes, {shapeText(output.layout)}, from{" "}
            {output.servedBy}, and its root is the one on-chain.
          </div>
        </div>
      </div>
      <TensorView bytes={output.bytes} shape={output.layout} />
    </>
  );
}

function SaveButton({ bytes }: { bytes: Uint8Array }) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
    const link = document.createElement("a");
    link.href = url;
    link.download = "result.bin";
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Button size="small" icon={Download} onClick={save}>
      Save
    </Button>
  );
}
