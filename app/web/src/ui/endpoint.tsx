/** The choice of the endpoint. */
import { useState } from "react";
import { PRESETS, parseEndpoint, rememberEndpoint } from "../data/endpoint.ts";
import { useSigning } from "../transact/context.tsx";
import { Button } from "./basics.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";

/** Changes the endpoint; the page then begins anew. */
export function EndpointDialog({ onClose }: { onClose: () => void }) {
  const { endpoint } = useSigning();
  const [text, setText] = useState(endpoint.httpUrl);
  const parsed = parseEndpoint(text);
  const use = (url: string) => {
    const chosen = parseEndpoint(url);
    if ("error" in chosen) return;
    rememberEndpoint(chosen.value, localStorage);
    const page = new URL(location.href);
    page.searchParams.delete("rpc");
    location.replace(page.href);
    location.reload();
  };
  return (
    <Dialog
      title="Endpoint"
      onClose={onClose}
      foot={
        <Button look="primary" disabled={"error" in parsed} onClick={() => use(text)}>
          Use this endpoint
        </Button>
      }
    >
      <p className="muted">
        The app reads the market from a Solana RPC endpoint and nowhere else. It has to allow reading all accounts of a
        program.
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
          <Button key={url} size="small" onClick={() => use(url)}>
            {name}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}
