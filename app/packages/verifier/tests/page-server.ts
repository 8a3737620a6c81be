/** Serves a folder on loopback and waits for what its page reports by POST. */

import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** A server that is listening. */
export interface PageServer {
  readonly address: string;
  readonly report: Promise<unknown>;
  close(): void;
}

/** Starts serving. */
export async function servePage(folder: string): Promise<PageServer> {
  let resolve: (report: unknown) => void = () => undefined;
  const report = new Promise((given) => {
    resolve = given;
  });
  const server = createServer((request, response) => {
    if (request.method === "POST") void takeReport(request, response).then(resolve);
    else giveFile(folder, request, response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}/`, report, close: () => void server.close() };
}

async function takeReport(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  response.end();
  return JSON.parse(body);
}

function giveFile(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const path = join(folder, request.url === "/" ? "index.html" : (request.url ?? ""));
  const known = path.startsWith(folder) && existsSync(path);
  response.writeHead(known ? 200 : 404, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
  response.end(known ? readFileSync(path) : undefined);
}
