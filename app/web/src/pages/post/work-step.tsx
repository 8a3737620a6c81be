/** The first step: a model and its inputs. */
import { Box } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useTable } from "../../data/hooks.ts";
import { fetchInputs, withInputs, workAt, workOf } from "../../data/work.ts";
import { formatCount } from "../../model/amounts.ts";
import { hex, shortAddress } from "../../model/keys.ts";
import { type KnownModel, knownModels } from "../../model/market.ts";
import type { Work } from "../../model/offer.ts";
import { HashText } from "../../ui/address.tsx";
import { ArtifactField, StoreFields, useUploadStore } from "../../ui/artifact-field.tsx";
import { Button, Fact, Facts, Note, Nothing, Panel, SkeletonLines } from "../../ui/basics.tsx";
import { TextField } from "../../ui/field.tsx";
import { usePreparation } from "./preparation.ts";

type Source = "repeat" | "own" | "new";

/** Models that are offered by name; older ones are still there by their addresses. */
const MOST_MODELS = 8;

/** Chooses the work; every root is known or computed here before it goes on. */
export function WorkStep({
  work,
  onWork,
  asked,
  next,
}: {
  work: Work | undefined;
  onWork: (work: Work | undefined) => void;
  asked: string | undefined;
  next: ReactNode;
}) {
  const { rows: jobs, state } = useTable("job");
  const models = useMemo(() => knownModels(jobs), [jobs]);
  const [key, setKey] = useState(
    () => models.find(({ graphRoot }) => asked !== undefined && hex(graphRoot).startsWith(asked))?.key,
  );
  const [source, setSource] = useState<Source>("repeat");
  const model = models.find((one) => one.key === key);
  const choose = (model: KnownModel | undefined) => {
    setKey(model?.key);
    setSource(model === undefined ? "new" : "repeat");
    onWork(model === undefined ? undefined : workOf(model.latest.data));
  };
  return (
    <div className="grid-2">
      <div className="stack">
        <Panel title="Model">
          {models.length === 0 && state === "loading" ? (
            <SkeletonLines label="Loading the models of the market" lines={3} />
          ) : models.length === 0 ? (
            <Nothing icon={Box} title="No model was used here yet">
              Give the addresses of a graph, its weights and inputs below.
            </Nothing>
          ) : (
            <fieldset className="stack" style={{ gap: 8, border: 0, padding: 0, margin: 0 }}>
              <legend className="visually-hidden">Model</legend>
              {models.slice(0, MOST_MODELS).map((one) => (
                <label key={one.key} className="choice">
                  <input type="radio" name="model" checked={one.key === key} onChange={() => choose(one)} />
                  <strong className="mono">{hex(one.graphRoot).slice(0, 16)}</strong>
                  <span className="small muted">
                    {formatCount(one.jobs)} jobs that exist use it · weights {hex(one.paramsRoot).slice(0, 8)} · from{" "}
                    {hostOf(one.latest.data.graphUri)}
                  </span>
                </label>
              ))}
            </fieldset>
          )}
          <div style={{ marginTop: 8 }}>
            <label className="choice">
              <input type="radio" name="model" checked={source === "new"} onChange={() => choose(undefined)} />
              <strong>Another model</strong>
              <span className="small muted">Whose graph, weights and inputs lie somewhere on the web.</span>
            </label>
          </div>
        </Panel>
        {(model !== undefined || source === "new") && (
          <InputsPanel key={key ?? "new"} model={model} source={source} onSource={setSource} onWork={onWork} />
        )}
      </div>
      <div className="stack">
        <Chosen work={work} />
        <div className="row" style={{ justifyContent: "flex-end" }}>
          {next}
        </div>
      </div>
    </div>
  );
}

function hostOf(uri: string): string {
  try {
    return new URL(uri).host;
  } catch {
    return uri;
  }
}

function Chosen({ work }: { work: Work | undefined }) {
  return (
    <Panel
      title="What the job pins"
      foot="Nodes fetch these, check them against the roots, and claim only what they could compute."
    >
      {work === undefined ? (
        <p className="muted">Choose a model and its inputs. All hashes are computed or known before you go on.</p>
      ) : (
        <Facts>
          <Fact name="Graph">
            <HashText value={hex(work.graphRoot)} what="root of the graph" />
          </Fact>
          <Fact name="Weights">
            <HashText value={hex(work.paramsRoot)} what="root of the weights" />
          </Fact>
          <Fact name="Inputs">
            <HashText value={hex(work.inputsRoot)} what="root of the inputs" />
          </Fact>
          <Fact name="Symbols">
            <span className="mono">{work.symbols.filter((value) => value > 0).join(", ") || "none"}</span>
          </Fact>
          <Fact name="Output">
            {formatCount(work.output.leaves)} {work.output.leaves === 1 ? "leaf" : "leaves"} of at most 512 bytes
          </Fact>
        </Facts>
      )}
    </Panel>
  );
}

function InputsPanel({
  model,
  source,
  onSource,
  onWork,
}: {
  model: KnownModel | undefined;
  source: Source;
  onSource: (source: Source) => void;
  onWork: (work: Work | undefined) => void;
}) {
  const [symbols, setSymbols] = useState(() =>
    model === undefined ? "" : model.latest.data.symbols.filter((value) => value > 0).join(", "),
  );
  const [inputsUri, setInputsUri] = useState("");
  const [graphUri, setGraphUri] = useState("");
  const [paramsUri, setParamsUri] = useState("");
  const [store, setStore] = useUploadStore();
  const { isBusy, fault, prepare, forget } = usePreparation(onWork);
  const values = symbols
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number);
  const valid = values.every((value) => Number.isSafeInteger(value) && value >= 0);
  const isNew = source === "new" || model === undefined;
  const missing = inputsUri === "" || (isNew && (graphUri === "" || paramsUri === ""));

  const edited = (set: (text: string) => void) => (text: string) => {
    forget();
    set(text);
  };
  const check = () =>
    isNew
      ? prepare((signal) => workAt({ graphUri, paramsUri, inputsUri }, values, signal))
      : prepare(async (signal) =>
          withInputs(model.latest.data, await fetchInputs(inputsUri, signal), inputsUri, values, signal),
        );
  const select = (next: Source) => {
    onSource(next);
    forget(next === "repeat" && model !== undefined ? workOf(model.latest.data) : undefined);
  };
  const sources: ReadonlyArray<readonly [Source, string, string]> = [
    [
      "repeat",
      "The inputs of its latest job",
      `Computes ${model === undefined ? "" : shortAddress(model.latest.address)} once more, to compare or to try the market.`,
    ],
    [
      "own",
      "Inputs of yours",
      "A bundle, as assay model encode writes it: a file that is uploaded from here, or one that lies on the web.",
    ],
  ];
  return (
    <Panel title="Inputs">
      <div className="stack">
        {model !== undefined && (
          <fieldset className="stack" style={{ gap: 8, border: 0, padding: 0, margin: 0 }}>
            <legend className="visually-hidden">Where the inputs come from</legend>
            {sources.map(([key, name, sentence]) => (
              <label key={key} className="choice">
                <input type="radio" name="source" checked={source === key} onChange={() => select(key)} />
                <strong>{name}</strong>
                <span className="small muted">{sentence}</span>
              </label>
            ))}
          </fieldset>
        )}
        {source !== "repeat" && (
          <>
            <StoreFields store={store} onChange={setStore} />
            {isNew && (
              <>
                <ArtifactField
                  label="Address of the graph"
                  value={graphUri}
                  onChange={edited(setGraphUri)}
                  store={store}
                />
                <ArtifactField
                  label="Address of the weights"
                  value={paramsUri}
                  onChange={edited(setParamsUri)}
                  store={store}
                />
              </>
            )}
            <ArtifactField
              label="Address of the inputs"
              value={inputsUri}
              onChange={edited(setInputsUri)}
              store={store}
            />
            <TextField
              label="Values of the graph's symbols"
              value={symbols}
              onChange={edited(setSymbols)}
              mono
              hint="Such as the number of images or tokens, in the graph's order."
              error={valid ? undefined : "Enter whole numbers with commas between them."}
            />
            <div>
              <Button onClick={() => void check()} disabled={isBusy || !valid || missing}>
                {isBusy ? "Fetching and hashing" : "Check and hash it"}
              </Button>
            </div>
          </>
        )}
        {fault !== undefined && <Note tone="bad" title={fault} />}
      </div>
    </Panel>
  );
}
