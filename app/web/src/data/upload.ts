/** Uploading an artifact to a store from the page, with how far it has come. */
import { artifactId, Store } from "@assay/client";

/** Where uploads go. */
export interface UploadStore {
  readonly url: string;
  /** What the store asks for where it takes uploads from elsewhere; empty where it asks for nothing. */
  readonly token: string;
}

/** The store did not take it; the message is a sentence for people. */
export class UploadFailed extends Error {
  override readonly name = "UploadFailed";
}

/** Uploads bytes under their hash; the address at which everybody can fetch them. */
export async function upload(
  store: UploadStore,
  bytes: Uint8Array<ArrayBuffer>,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const uri = addressIn(store.url, bytes);
  const request = new XMLHttpRequest();
  request.open("PUT", uri);
  request.setRequestHeader("content-type", "application/octet-stream");
  if (store.token !== "") request.setRequestHeader("authorization", `Bearer ${store.token}`);
  request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total);
  const abort = () => request.abort();
  signal.addEventListener("abort", abort);
  try {
    await new Promise<void>((resolve, reject) => {
      request.onload = () => resolve();
      request.onerror = () => reject(new UploadFailed(unreachable(store.url, location.origin)));
      request.onabort = () => reject(signal.reason);
      request.send(bytes);
    });
  } finally {
    signal.removeEventListener("abort", abort);
  }
  const fault = refusal(request.status, request.responseText);
  if (fault !== undefined) throw new UploadFailed(fault);
  return uri;
}

function addressIn(storeUrl: string, bytes: Uint8Array): string {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(storeUrl)) {
    throw new UploadFailed("The address of the store has to begin with http:// or https:// and hold no spaces.");
  }
  try {
    return new Store(storeUrl).uri(artifactId(bytes));
  } catch {
    throw new UploadFailed("The address of the store is too long: a job holds at most 128 characters of an address.");
  }
}

/** Browsers do not tell a page whether nobody answered or whether it was not let in. */
export function unreachable(storeUrl: string, origin: string): string {
  return `The store at ${storeUrl} does not answer, or takes no uploads from this page. On this machine, start it with assay store serve --accept-local-uploads; for pages of elsewhere, add --upload-origin ${origin}.`;
}

/** Why a store refused, in its own words where it has some; `undefined` where it took what was sent. */
export function refusal(status: number, body: string): string | undefined {
  if (status === 200 || status === 201) return undefined;
  if (status === 401) return "This store asks for a token, and this is not it. Whoever runs it has the token.";
  const said = messageOf(body);
  return said === undefined ? `The store answered ${status}.` : `The store did not take it: ${said}`;
}

function messageOf(body: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== "object" || json === null || !("message" in json)) return undefined;
    return typeof json.message === "string" ? json.message.replace(/^S\d{4}: /, "").slice(0, 300) : undefined;
  } catch {
    return undefined;
  }
}
