/** Which endpoint the app reads from: from the address bar, else the last one, else a localnet. */
import type { Endpoint } from "./rpc-source.ts";

const KEY = "assay.endpoint";

/** `assay localnet` listens here. */
export const LOCALNET_URL = "http://127.0.0.1:8899";

/** Public clusters that have names. */
export const PRESETS: ReadonlyArray<readonly [string, string]> = [
  [LOCALNET_URL, "Localnet on this machine"],
  ["https://api.devnet.solana.com", "Devnet"],
];

/** The endpoint of a URL that a person gave, or why it is none. */
export function parseEndpoint(text: string): { value: Endpoint } | { error: string } {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return { error: "This is not a URL. An endpoint looks like http://127.0.0.1:8899." };
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { error: "The endpoint has to begin with http:// or https://." };
  }
  return { value: { httpUrl: url.href, websocketUrl: websocketUrl(url) } };
}

/** Whether an endpoint is on this machine. */
export function isLoopback(endpoint: Endpoint): boolean {
  const { hostname } = new URL(endpoint.httpUrl);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** The endpoint to begin with. `otherwise` is where the app looks that was told nothing. */
export function rememberedEndpoint(
  search: string,
  storage: Pick<Storage, "getItem">,
  otherwise = LOCALNET_URL,
): Endpoint {
  const asked = new URLSearchParams(search).get("rpc");
  for (const text of [asked, storage.getItem(KEY), otherwise, LOCALNET_URL]) {
    const parsed = text === null ? undefined : parseEndpoint(text);
    if (parsed !== undefined && "value" in parsed) return parsed.value;
  }
  return { httpUrl: LOCALNET_URL, websocketUrl: "ws://127.0.0.1:8900" };
}

/** Has the app begin with this endpoint from now on. */
export function rememberEndpoint(endpoint: Endpoint, storage: Pick<Storage, "setItem">): void {
  storage.setItem(KEY, endpoint.httpUrl);
}

/** Validators serve the websocket one port above JSON-RPC; services behind a name serve both on the same one. */
function websocketUrl(url: URL): string {
  const websocket = new URL(url.href);
  websocket.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (url.port !== "") websocket.port = String(Number(url.port) + 1);
  return websocket.href;
}
