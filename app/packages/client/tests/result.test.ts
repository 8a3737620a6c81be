import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Address, getAddressDecoder } from "@solana/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  artifactId,
  type CommittedJob,
  fetchBoundary,
  fetchResult,
  isCommitment,
  isCommittedOutput,
  Store,
  type Work,
} from "../src/index.js";
import { bytes, hex, inner, list, text, unhex, type Vector } from "./vectors.js";
import { pinned, workThat } from "./works.js";

/** A store as `assay-store` serves it: artifacts by their hash, and uploads. */
class FakeStore {
  readonly artifacts = new Map<string, Uint8Array>();
  private constructor(private readonly server: Server) {
    server.on("request", async (request, response) => {
      const id = String(request.url).replace("/v1/artifacts/", "");
      if (request.method === "PUT") {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        this.artifacts.set(id, Buffer.concat(chunks));
        response.writeHead(201).end();
        return;
      }
      const found = this.artifacts.get(id);
      if (found === undefined) response.writeHead(404).end('{"code":"S0101","message":"not here"}');
      else response.end(found);
    });
  }

  static async start(): Promise<FakeStore> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FakeStore(server);
  }

  get base(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  put(data: Uint8Array, id = artifactId(data)): string {
    this.artifacts.set(id, data);
    return id;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const nobody = (byte: number): Address => getAddressDecoder().decode(new Uint8Array(32).fill(byte));
let store: FakeStore;
let work: Work;
let vector: Vector;
let boundary: Uint8Array[];
let output: Uint8Array;

beforeEach(async () => {
  store = await FakeStore.start();
  ({ work, vector } = workThat((candidate) => candidate.graph.boundary.length > 1));
  boundary = list(vector, "boundary", unhex);
  output = bytes(inner(vector, "output"), "data");
});
afterEach(() => store.stop());

/** A job with this result, whose artifacts are in the store. */
function committed(tensors: readonly Uint8Array[] = boundary, manifest: object = {}): CommittedJob {
  const entries = tensors.map((data, index) => ({
    slot: work.graph.boundary[index],
    artifact: store.put(data),
    bytes: data.length,
  }));
  const text_ = JSON.stringify({ version: 1, job: "j", node: "n", boundary: entries, ...manifest });
  const id = store.put(new TextEncoder().encode(text_));
  return {
    ...pinned(work),
    node: nobody(3),
    commitment: new Uint8Array(32),
    boundaryRoot: bytes(vector, "boundary_root"),
    outputRoot: bytes(inner(vector, "output"), "root"),
    resultManifest: unhex(id),
  };
}

test("the output comes from whoever serves it, and is the committed one", async () => {
  const job = committed();
  const silent = new Store("http://127.0.0.1:9");
  expect(hex(await fetchResult(work, job, [silent, new Store(store.base)]))).toBe(hex(output));
  expect(isCommittedOutput(work, job, output)).toBe(true);
  expect(isCommittedOutput(work, job, output.slice(1))).toBe(false);
  const tensors = await fetchBoundary(work, job, [new Store(store.base)]);
  expect([...tensors.keys()]).toEqual(work.graph.boundary);
  expect([...tensors.values()].map(hex)).toEqual(boundary.map(hex));
});

test("another output, another boundary, and another list are refused", async () => {
  const stores = [new Store(store.base)];
  const wrong = boundary.map((data) => data.map((byte) => byte ^ 1));
  await expect(fetchResult(work, committed(wrong), stores)).rejects.toThrow(/^T0303 .*root of the output/);
  await expect(fetchBoundary(work, committed(wrong), stores)).rejects.toThrow(/^T0303 .*root of the boundary/);
  for (const manifest of [{ version: 2 }, { boundary: "none" }, { boundary: [{ slot: 1 }] }]) {
    await expect(fetchResult(work, committed(boundary, manifest), stores)).rejects.toThrow(/^T0303 .*cannot be read/);
  }
  await expect(fetchResult(work, committed(boundary.slice(1)), stores)).rejects.toThrow(/^T0303 .*another graph/);
});

test("bytes that are not those of their name, or too many, are refused", async () => {
  const job = committed();
  const id = artifactId(output);
  store.put(
    output.map((byte) => byte ^ 2),
    id,
  );
  await expect(fetchResult(work, job, [new Store(store.base)])).rejects.toThrow(/^T0303 .*other bytes/);
  store.put(new Uint8Array(output.length + 1), id);
  await expect(fetchResult(work, job, [new Store(store.base)])).rejects.toThrow(/^T0303 .*more than/);
});

test("a job without a result, of other work, or that nobody serves is named so", async () => {
  const job = committed();
  const none = { ...job, outputRoot: new Uint8Array(32) };
  await expect(fetchResult(work, none, [])).rejects.toThrow(/^T0301 /);
  await expect(fetchResult(work, { ...job, graphRoot: new Uint8Array(32) }, [])).rejects.toThrow(/^T0203 /);
  await expect(fetchResult(work, job, [])).rejects.toThrow(/^T0302 /);
  store.artifacts.clear();
  await expect(fetchResult(work, job, [new Store(store.base)])).rejects.toThrow(/^T0302 none of 1 stores/);
});

test("work is uploaded under its hashes and can be fetched again", async () => {
  const artifacts = work.artifacts();
  const uris = await new Store(`${store.base}/`).putWork(artifacts);
  expect(uris.graph).toBe(`${store.base}/v1/artifacts/${artifactId(artifacts.graph)}`);
  const back = await new Store(store.base).get(artifactId(artifacts.params), 1 << 20);
  expect(hex(back)).toBe(hex(artifacts.params));
  expect(() => new Store(`http://${"h".repeat(60)}`).uri(artifactId(output))).toThrow(/^T0304 .*more than 128 bytes/);
  await expect(new Store(store.base).get("00".repeat(32), 1)).rejects.toThrow(/^T0304 .*answered 404 .*not here/);
  await expect(new Store("http://127.0.0.1:9").get("00".repeat(32), 1)).rejects.toThrow(/^T0304 .*cannot be reached/);
});

test("a commitment binds job, node and boundary", () => {
  const address = getAddressDecoder().decode(bytes(vector, "job"));
  const job = {
    node: getAddressDecoder().decode(bytes(vector, "node")),
    boundaryRoot: bytes(vector, "boundary_root"),
    commitment: unhex(text(vector, "commitment")),
  };
  expect(isCommitment(address, job)).toBe(true);
  expect(isCommitment(nobody(9), job)).toBe(false);
  expect(isCommitment(address, { ...job, node: nobody(9) })).toBe(false);
  expect(isCommitment(address, { ...job, boundaryRoot: new Uint8Array(32) })).toBe(false);
});
