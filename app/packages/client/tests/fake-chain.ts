/** A chain of a few accounts behind real sockets: JSON-RPC over HTTP, notifications over a websocket that can be dropped. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import {
  type Address,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  getSignatureFromTransaction,
  getTransactionDecoder,
} from "@solana/kit";
import { type WebSocket, WebSocketServer } from "ws";

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

interface Subscription {
  readonly socket: WebSocket;
  readonly method: string;
  readonly account: unknown;
}

/** An account as the fake chain keeps it. */
interface Stored {
  readonly lamports: number;
  readonly data: Uint8Array;
}

export class FakeChain {
  /** The present slot. */
  slot = 100;
  /** How often something was subscribed to. */
  subscriptionsMade = 0;
  /** How often accounts were read. */
  reads = 0;
  /** The parameters of the last read. */
  lastParameters: readonly unknown[] = [];
  /** While it holds, reads fail. */
  failReads = false;
  /** The signatures of what was sent. */
  readonly sent: string[] = [];
  /** What happens to a transaction that is sent: it is taken, its answer is lost, or it is refused with this error. */
  send: () => "taken" | "lost" | object = () => "taken";
  /** What is known of every signature. */
  status: object | null = null;
  /** Called between a subscription and the first read. */
  beforeRead: () => void = () => {};

  private readonly accounts = new Map<string, Stored>();
  private readonly subscriptions = new Map<number, Subscription>();
  private readonly sockets = new Set<Socket>();
  private readonly websockets: WebSocketServer;

  private constructor(private readonly server: Server) {
    server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    server.on("request", (request, response) => void this.reply(request, response));
    this.websockets = new WebSocketServer({ server });
    this.websockets.on("connection", (socket) => socket.on("message", (data) => this.listen(socket, String(data))));
  }

  static async start(): Promise<FakeChain> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FakeChain(server);
  }

  connections() {
    const { port } = this.server.address() as AddressInfo;
    return {
      rpc: createSolanaRpc(`http://127.0.0.1:${port}`),
      rpcSubscriptions: createSolanaRpcSubscriptions(`ws://127.0.0.1:${port}` as "ws://127.0.0.1"),
    };
  }

  /** Writes an account in a new slot, or removes it, and tells whoever listens. */
  write(address: Address, data: Uint8Array | null, options: { quietly?: boolean } = {}): void {
    this.slot += 1;
    if (data === null) this.accounts.delete(address);
    else this.accounts.set(address, { lamports: 5, data });
    if (!options.quietly) this.announce(address, this.slot);
  }

  /** Tells whoever listens about an account as it is, as if it were of an earlier slot. */
  announce(address: Address, slot: number): void {
    for (const [id, { socket, method, account }] of this.subscriptions) {
      const value = this.encoded(address);
      if (method === "accountSubscribe" && account === address) {
        notify(socket, "accountNotification", id, { context: { slot }, value: value ?? CLOSED });
      } else if (method === "programSubscribe" && value !== null) {
        notify(socket, "programNotification", id, { context: { slot }, value: { pubkey: address, account: value } });
      }
    }
  }

  /** Moves on by a slot. */
  tick(): void {
    this.slot += 1;
    for (const [id, { socket, method }] of this.subscriptions) {
      if (method !== "slotSubscribe") continue;
      notify(socket, "slotNotification", id, { parent: this.slot - 1, root: this.slot - 32, slot: this.slot });
    }
  }

  /** Cuts every websocket. */
  drop(): void {
    for (const socket of this.websockets.clients) socket.terminate();
    this.subscriptions.clear();
  }

  /** How many websockets are open. */
  get open(): number {
    return this.websockets.clients.size;
  }

  async stop(): Promise<void> {
    this.drop();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private listen(socket: WebSocket, message: string): void {
    const { id, method, params }: Request = JSON.parse(message);
    if (method === "ping") return;
    if (method.endsWith("Unsubscribe")) {
      this.subscriptions.delete(Number(params[0]));
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: true }));
      return;
    }
    this.subscriptionsMade += 1;
    this.subscriptions.set(this.subscriptionsMade, { socket, method, account: params[0] });
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: this.subscriptionsMade }));
  }

  private async reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { id, method, params }: Request = JSON.parse(body);
    if (method !== "getSlot") this.reads += 1;
    this.lastParameters = params;
    if (this.failReads) {
      response.writeHead(503).end("busy");
      return;
    }
    this.beforeRead();
    response.setHeader("content-type", "application/json");
    if (method !== "sendTransaction") {
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result: this.answer(method, params) }));
      return;
    }
    const transaction = getTransactionDecoder().decode(Buffer.from(String(params[0]), "base64"));
    const signature = getSignatureFromTransaction(transaction);
    this.sent.push(signature);
    const sent = this.send();
    if (sent === "lost") response.destroy();
    else if (sent === "taken") response.end(JSON.stringify({ jsonrpc: "2.0", id, result: signature }));
    else response.end(JSON.stringify({ jsonrpc: "2.0", id, error: sent }));
  }

  private answer(method: string, params: readonly unknown[]): unknown {
    const context = { slot: this.slot, apiVersion: "2.0.0" };
    if (method === "getSlot") return this.slot;
    if (method === "getSignatureStatuses") return { context, value: [this.status] };
    if (method === "getLatestBlockhash") {
      return {
        context,
        value: { blockhash: "EkSnNWid2cvwEVnVx9aBqawnmiCNiDgp3gUdkDPTKN1N", lastValidBlockHeight: 1_000 },
      };
    }
    if (method === "getAccountInfo") return { context, value: this.encoded(String(params[0])) };
    const value = [...this.accounts.keys()].map((pubkey) => ({ pubkey, account: this.encoded(pubkey) }));
    return { context, value };
  }

  private encoded(address: string) {
    const stored = this.accounts.get(address);
    if (stored === undefined) return null;
    return { ...CLOSED, lamports: stored.lamports, data: [Buffer.from(stored.data).toString("base64"), "base64"] };
  }
}

/** What notifications show of an account that is gone. */
const CLOSED = {
  lamports: 0,
  data: ["", "base64"],
  owner: "11111111111111111111111111111111",
  executable: false,
  rentEpoch: 0,
  space: 0,
};

function notify(socket: WebSocket, method: string, subscription: number, result: unknown): void {
  socket.send(JSON.stringify({ jsonrpc: "2.0", method, params: { subscription, result } }));
}
