/** The choice of the endpoint, and of an index beside it. */
import { useState } from "react";
import { PRESETS, parseEndpoint, rememberEndpoint } from "../data/endpoint.ts";
import { useIndex, useIndexStanding } from "../data/index-hooks.ts";
import { parseIndex, rememberIndex } from "../data/settings.ts";
import { useSigning } from "../transact/context.tsx";
import { Button } from "./basics.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";
import { standingSentence } from "./index-standing.ts";

/** Changes from where the app reads; the page then begins anew. */
export function EndpointDialog({ onClose }: { onClose: () => void }) {
  const { endpoint } = useSigning();
  const index = useIndex();
  const standing = useIndexStanding();
  const [text, setText] = useState(endpoint.httpUrl);
  const [indexText, setIndexText] = useState(index?.client.url ?? "");
  const parsed = parseEndpoint(text);
  const parsedIndex = indexText.trim() === "" ? undefined : parseIndex(indexText);
  const use = () => {
    if ("error" in parsed || (parsedIndex !== undefined && "error" in parsedIndex)) return;
    rememberEndpoint(parsed.value, localStorage);
    rememberIndex(parsed.value, parsedIndex?.value, localStorage);
    const page = new URL(location.href);
    page.searchParams.delete("rpc");
    page.searchParams.delete("index");
    // A reload right after would take back the new address.
    if (page.href === location.href) location.reload();
    else location.replace(page.href);
  };
  const isWrong = "error" in parsed || (parsedIndex !== undefined && "error" in parsedIndex);
  return (
    <Dialog
      title="Endpoint and index"
      onClose={onClose}
      foot={
        <Button look="primary" disabled={isWrong} onClick={use}>
          Use these
        </Button>
      }
    >
      <p className="muted">
        Accounts come from a Solana RPC endpoint, which has to allow reading all accounts of a program. Whatever you
        sign is checked against it.
      </p>
      <TextField
        label="URL of JSON-RPC"
        value={text}
        onChange={setText}
        mono
        inputMode="url"
        error={"error" in parsed ? parsed.error : undefined}
        hint={"value" in parsed ? `Notifications from ${parsed.value.websocketUrl}` : undefined}
      />
      <div className="row">
        {PRESETS.map(([url, name]) => (
          <Button key={url} size="small" onClick={() => setText(url)}>
            {name}
          </Button>
        ))}
      </div>
      <TextField
        label="URL of an index, if there is one"
        value={indexText}
        onChange={setIndexText}
        mono
        inputMode="url"
        placeholder="http://127.0.0.1:8920"
        error={parsedIndex !== undefined && "error" in parsedIndex ? parsedIndex.error : undefined}
        hint="Started with assay index. It remembers what was closed and shows long lists at once; it is kept for this endpoint alone."
      />
      {index !== undefined && standing !== undefined && (
        <p className="small muted">{standingSentence(index.client.url, standing)}</p>
      )}
    </Dialog>
  );
}
