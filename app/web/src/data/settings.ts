/**
 * From where the app reads: an endpoint, and beside it an index where there is one. In this order: from the address bar, as it was
 * chosen last, as whoever serves the app says in `/config.json`, a localnet.
 */
import { LOCALNET_URL, parseEndpoint, rememberedEndpoint } from "./endpoint.ts";
import type { Endpoint } from "./rpc-source.ts";

const KEY = "assay.indexes";
/** In the address bar: no index, whatever was chosen before. */
const NO_INDEX = "none";

/** What whoever serves the app says of its surroundings. */
export interface ServedConfig {
  readonly rpc?: string;
  readonly index?: string;
  readonly store?: string;
}

/** From where the app reads. */
export interface Settings {
  readonly endpoint: Endpoint;
  /** Where the index is, without a slash at the end. */
  readonly indexUrl: string | undefined;
  /** A store that takes uploads, where whoever serves the app names one. */
  readonly storeUrl: string | undefined;
}

/** Reads `/config.json`; nothing where there is none or it cannot be read. */
export async function servedConfig(fetcher: typeof fetch = (input) => fetch(input)): Promise<ServedConfig> {
  try {
    const response = await fetcher("/config.json");
    const json: unknown = await response.json();
    if (typeof json !== "object" || json === null) return {};
    const { rpc, index, store } = json as Record<string, unknown>;
    return {
      ...(typeof rpc === "string" && { rpc }),
      ...(typeof index === "string" && { index }),
      ...(typeof store === "string" && { store }),
    };
  } catch {
    return {};
  }
}

/** What to begin with. An index belongs to the endpoint for which it was chosen: another endpoint may be another market. */
export function firstSettings(search: string, storage: Pick<Storage, "getItem">, served: ServedConfig): Settings {
  const endpoint = rememberedEndpoint(search, storage, served.rpc ?? LOCALNET_URL);
  const asked = new URLSearchParams(search).get("index");
  const chosen = rememberedIndexes(storage)[endpoint.httpUrl];
  const isServed = isSame(served.rpc ?? LOCALNET_URL, endpoint);
  const candidates = [asked, chosen, isServed ? served.index : undefined];
  const first = candidates.find((text): text is string => text !== null && text !== undefined && text !== "");
  const parsed = first === undefined || first === NO_INDEX ? undefined : parseIndex(first);
  return {
    endpoint,
    indexUrl: parsed !== undefined && "value" in parsed ? parsed.value : undefined,
    storeUrl: isServed ? served.store : undefined,
  };
}

/** The index at an address that a person gave, or why it is none. */
export function parseIndex(text: string): { value: string } | { error: string } {
  try {
    const url = new URL(text.trim());
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      return { error: "The index has to begin with http:// or https://." };
    }
    return { value: `${url.origin}${url.pathname}`.replace(/\/+$/, "") };
  } catch {
    return { error: "This is not a URL. An index looks like http://127.0.0.1:8920." };
  }
}

/** Has the app use this index, or none, with this endpoint from now on. */
export function rememberIndex(
  endpoint: Endpoint,
  url: string | undefined,
  storage: Pick<Storage, "getItem" | "setItem">,
): void {
  storage.setItem(KEY, JSON.stringify({ ...rememberedIndexes(storage), [endpoint.httpUrl]: url ?? NO_INDEX }));
}

function rememberedIndexes(storage: Pick<Storage, "getItem">): Readonly<Record<string, string>> {
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter(([, url]) => typeof url === "string")) as Record<
      string,
      string
    >;
  } catch {
    return {};
  }
}

function isSame(url: string, endpoint: Endpoint): boolean {
  const parsed = parseEndpoint(url);
  return "value" in parsed && parsed.value.httpUrl === endpoint.httpUrl;
}
