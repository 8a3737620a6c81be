/** A file that a job or a session names: by its address, or one of yours that is uploaded to a store first. */
import { Upload } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { isLoopback } from "../data/endpoint.ts";
import { type UploadStore, upload } from "../data/upload.ts";
import { formatBasisPoints, formatCount } from "../model/amounts.ts";
import { useSigning } from "../transact/context.tsx";
import { Meter, Note } from "./basics.tsx";
import { TextField } from "./field.tsx";

/** Where `assay store serve` listens. */
const LOCAL_STORE = "http://127.0.0.1:8080";

/** The store that takes uploads, to begin with: the one that whoever serves the app names, on a localnet the usual one. */
export function useUploadStore(): readonly [UploadStore, (store: UploadStore) => void] {
  const { endpoint, storeUrl } = useSigning();
  return useState<UploadStore>({ url: storeUrl ?? (isLoopback(endpoint) ? LOCAL_STORE : ""), token: "" });
}

/** The store for the files of a form. */
export function StoreFields({ store, onChange }: { store: UploadStore; onChange: (store: UploadStore) => void }) {
  return (
    <div className="form-grid">
      <TextField
        label="Store for your files"
        value={store.url}
        onChange={(url) => onChange({ ...store, url: url.trim() })}
        inputMode="url"
        mono
        placeholder={LOCAL_STORE}
        hint="Nodes fetch them from there, so they have to reach it."
      />
      <TextField
        label="Its token, if it asks for one"
        value={store.token}
        onChange={(token) => onChange({ ...store, token: token.trim() })}
        mono
        placeholder="none"
        hint="It goes to the store and nowhere else, and is not kept."
      />
    </div>
  );
}

type State =
  | { readonly at: "idle" }
  | { readonly at: "uploading"; readonly name: string; readonly share: number }
  | { readonly at: "failed"; readonly sentence: string }
  | { readonly at: "done"; readonly name: string; readonly bytes: number };

/** The address of one file, typed or made by uploading it. */
export function ArtifactField({
  label,
  value,
  onChange,
  store,
}: {
  label: string;
  value: string;
  onChange: (uri: string) => void;
  store: UploadStore;
}) {
  const [state, setState] = useState<State>({ at: "idle" });
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const take = async (file: File | undefined) => {
    if (file === undefined) return;
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setState({ at: "uploading", name: file.name, share: 0 });
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const progress = (share: number) => setState({ at: "uploading", name: file.name, share });
      onChange(await upload(store, bytes, progress, controller.signal));
      setState({ at: "done", name: file.name, bytes: bytes.length });
    } catch (error) {
      if (controller.signal.aborted) return;
      setState({ at: "failed", sentence: error instanceof Error ? error.message : "The file could not be uploaded." });
    }
  };
  return (
    <div className="stack" style={{ gap: 8 }}>
      <TextField
        label={label}
        value={value}
        onChange={(uri) => {
          setState({ at: "idle" });
          onChange(uri);
        }}
        inputMode="url"
        mono
        placeholder="https://"
      />
      <div className="row">
        <label className="button small">
          <Upload aria-hidden />
          Upload a file instead
          <input
            type="file"
            className="visually-hidden"
            aria-label={`File for ${label.toLowerCase()}`}
            onChange={(event) => {
              const [file] = event.target.files ?? [];
              // The same file can be chosen again after a failure.
              event.target.value = "";
              void take(file);
            }}
          />
        </label>
        {state.at === "uploading" && (
          <span className="small muted" role="status">
            {state.name}: {formatBasisPoints(Math.floor(state.share * 100) * 100)}
          </span>
        )}
        {state.at === "done" && (
          <span className="small muted" role="status">
            {state.name}, {formatCount(state.bytes)} bytes, is in the store.
          </span>
        )}
      </div>
      {state.at === "uploading" && <Meter share={state.share} tone="busy" label={`Uploaded of ${state.name}`} />}
      {state.at === "failed" && <Note tone="bad" title={state.sentence} />}
    </div>
  );
}
