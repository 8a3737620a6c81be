/** Artifacts over HTTP: `assay-store`, a node's own store, or whatever serves `/v1/artifacts/{id}`. */
import { ClientFailure } from "./failure.js";
import type { Artifacts } from "./work.js";
import { artifactId } from "./work.js";

/** Where nodes fetch a job's artifacts. */
export interface ArtifactUris {
  readonly graph: string;
  readonly params: string;
  readonly inputs: string;
}

/** Longest address of an artifact that a job takes, in bytes. */
export const MAXIMUM_URI_BYTES = 128;

/** A store at a base address. What it serves is checked, so it needs no trust. */
export class Store {
  constructor(
    readonly base: string,
    private readonly fetcher: typeof fetch = fetch,
  ) {}

  /** The address of an artifact. `T0304` where it is too long for a job. */
  uri(id: string): string {
    const uri = `${this.base.replace(/\/+$/, "")}/v1/artifacts/${id}`;
    if (uri.length <= MAXIMUM_URI_BYTES) return uri;
    throw new ClientFailure(
      "T0304",
      `${uri} has more than ${MAXIMUM_URI_BYTES} bytes`,
      "use a store with a shorter address",
    );
  }

  /** Uploads an artifact; its address. The store must take uploads: `assay store serve --accept-local-uploads`. */
  async put(bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
    const uri = this.uri(artifactId(bytes));
    const body = new Uint8Array(bytes);
    await this.request(uri, { method: "PUT", body, ...(signal && { signal }) });
    return uri;
  }

  /** Uploads graph, params and inputs. */
  async putWork(artifacts: Artifacts, signal?: AbortSignal): Promise<ArtifactUris> {
    return {
      graph: await this.put(artifacts.graph, signal),
      params: await this.put(artifacts.params, signal),
      inputs: await this.put(artifacts.inputs, signal),
    };
  }

  /** The bytes of an artifact, of at most `maximumBytes`. `T0303` where what is served has another hash. */
  async get(id: string, maximumBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    const uri = this.uri(id);
    const response = await this.request(uri, signal ? { signal } : {});
    const bytes = await atMost(response, maximumBytes, uri);
    if (artifactId(bytes) === id) return bytes;
    throw new ClientFailure("T0303", `${uri} serves other bytes than its name says`, "ask another store");
  }

  private async request(uri: string, init: RequestInit): Promise<Response> {
    // Browsers refuse to run their `fetch` as a method of another object.
    const { fetcher } = this;
    let response: Response;
    try {
      response = await fetcher(uri, init);
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw new ClientFailure("T0304", `${uri} cannot be reached`, "look whether the store runs", { cause });
    }
    if (response.ok) return response;
    const reason = (await response.text()).slice(0, 300);
    throw new ClientFailure("T0304", `${uri} answered ${response.status} ${reason}`, "look at the store's own message");
  }
}

/** The body of a response, read until it is longer than `maximumBytes`: `T0303`, and the rest is never taken. */
export async function atMost(response: Response, maximumBytes: number, uri: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || value === undefined) break;
    length += value.length;
    if (length > maximumBytes) {
      await reader?.cancel();
      throw new ClientFailure("T0303", `${uri} serves more than ${maximumBytes} bytes`, "ask another store");
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
