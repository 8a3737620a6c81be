/** Which model a session keeps warm: one that the market knows, or one by its addresses. */
import { Box } from "lucide-react";
import { useMemo, useState } from "react";
import { useTable } from "../../data/hooks.ts";
import { modelAt, modelOf, type SessionModel } from "../../data/work.ts";
import { formatCount } from "../../model/amounts.ts";
import { hex } from "../../model/keys.ts";
import { knownModels } from "../../model/market.ts";
import { HashText } from "../../ui/address.tsx";
import { ArtifactField, StoreFields, useUploadStore } from "../../ui/artifact-field.tsx";
import { Button, Fact, Facts, Note, Nothing, Panel, SkeletonLines } from "../../ui/basics.tsx";
import { usePreparation } from "../post/preparation.ts";

/** Models that are offered by name. */
const MOST_MODELS = 5;

/** Chooses the model; its roots are known or computed here. */
export function ModelPanel({
  model,
  onModel,
}: {
  model: SessionModel | undefined;
  onModel: (model: SessionModel | undefined) => void;
}) {
  const { rows: jobs, state } = useTable("job");
  const models = useMemo(() => knownModels(jobs).slice(0, MOST_MODELS), [jobs]);
  const [key, setKey] = useState<string>();
  const isNew = key === "new";
  return (
    <Panel
      title="Model"
      foot="The session pins both roots; the node fetches, hashes and checks everything before it accepts."
    >
      <div className="stack">
        {models.length === 0 && state === "loading" && (
          <SkeletonLines label="Loading the models of the market" lines={3} />
        )}
        {models.length === 0 && state !== "loading" && (
          <Nothing icon={Box} title="No model was used here yet">
            Give the addresses of a graph and its weights, or upload them.
          </Nothing>
        )}
        <fieldset className="stack" style={{ gap: 8, border: 0, padding: 0, margin: 0 }}>
          <legend className="visually-hidden">Model</legend>
          {models.map((one) => (
            <label key={one.key} className="choice">
              <input
                type="radio"
                name="model"
                checked={one.key === key}
                onChange={() => {
                  setKey(one.key);
                  onModel(modelOf(one.latest.data));
                }}
              />
              <strong className="mono">{hex(one.graphRoot).slice(0, 16)}</strong>
              <span className="small muted">
                {formatCount(one.jobs)} jobs that exist use it · weights {hex(one.paramsRoot).slice(0, 8)}
              </span>
            </label>
          ))}
          <label className="choice">
            <input
              type="radio"
              name="model"
              checked={isNew}
              onChange={() => {
                setKey("new");
                onModel(undefined);
              }}
            />
            <strong>Another model</strong>
            <span className="small muted">Whose graph and weights are yours, or lie somewhere on the web.</span>
          </label>
        </fieldset>
        {isNew && <NewModel onModel={onModel} />}
        {model !== undefined && (
          <Facts>
            <Fact name="Graph">
              <HashText value={hex(model.graphRoot)} what="root of the graph" />
            </Fact>
            <Fact name="Weights">
              <HashText value={hex(model.paramsRoot)} what="root of the weights" />
            </Fact>
          </Facts>
        )}
      </div>
    </Panel>
  );
}

function NewModel({ onModel }: { onModel: (model: SessionModel | undefined) => void }) {
  const [graphUri, setGraphUri] = useState("");
  const [paramsUri, setParamsUri] = useState("");
  const [store, setStore] = useUploadStore();
  const { isBusy, fault, prepare, forget } = usePreparation(onModel);
  const edited = (set: (text: string) => void) => (text: string) => {
    forget();
    set(text);
  };
  const check = () => prepare((signal) => modelAt({ graphUri, paramsUri }, signal));
  return (
    <>
      <StoreFields store={store} onChange={setStore} />
      <ArtifactField label="Address of the graph" value={graphUri} onChange={edited(setGraphUri)} store={store} />
      <ArtifactField label="Address of the weights" value={paramsUri} onChange={edited(setParamsUri)} store={store} />
      <div>
        <Button onClick={() => void check()} disabled={isBusy || graphUri === "" || paramsUri === ""}>
          {isBusy ? "Fetching and hashing" : "Check and hash it"}
        </Button>
      </div>
      {fault !== undefined && <Note tone="bad" title={fault} />}
    </>
  );
}
