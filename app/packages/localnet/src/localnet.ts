/**
 * A localnet with the real program, a store, nodes and a validator, as processes of a test. `ASSAY_BINARY` names the command line and
 * `ASSAY_PROGRAM_SO` the program.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./ports.ts";

const BINARY = process.env.ASSAY_BINARY ?? "";
const PROGRAM = process.env.ASSAY_PROGRAM_SO ?? "";

/** Whether the command line and the program were built for this; an error where ASSAY_REQUIRE_LOCALNET says that they have to be. */
export function hasLocalnet(): boolean {
  const present = existsSync(BINARY) && existsSync(PROGRAM);
  if (!present && process.env.ASSAY_REQUIRE_LOCALNET !== undefined) {
    throw new Error(
      `ASSAY_BINARY is "${BINARY}" and ASSAY_PROGRAM_SO "${PROGRAM}", and one is not there: cargo xtask build`,
    );
  }
  if (!present)
    process.stderr.write(
      "NOT TESTED: anything on a local chain, because ASSAY_BINARY and ASSAY_PROGRAM_SO name no files\n",
    );
  return present;
}

interface Ready {
  readonly rpc_url: string;
  readonly ws_url: string;
  readonly payment_mint: string;
  readonly keys: { readonly client: string; readonly nodes: readonly string[]; readonly validators: readonly string[] };
}

/** A running market of one's own. */
export class Localnet {
  readonly ready: Ready;
  readonly storeUrl: string;
  readonly indexUrl: string;
  readonly #folder: string;
  readonly #processes: ChildProcess[];

  private constructor(
    folder: string,
    ready: Ready,
    ports: { store: number; index: number },
    processes: ChildProcess[],
  ) {
    this.#folder = folder;
    this.ready = ready;
    this.storeUrl = `http://127.0.0.1:${ports.store}`;
    this.indexUrl = `http://127.0.0.1:${ports.index}`;
    this.#processes = processes;
  }

  /** Starts the chain, a store and an index, and exports the digits. */
  static async start(nodes: number): Promise<Localnet> {
    const folder = mkdtempSync(join(tmpdir(), "assay-web-localnet-"));
    const [rpcPort, storePort, indexPort] = [await freePorts(2), await freePorts(1), await freePorts(1)];
    const processes: ChildProcess[] = [];
    const readyFile = join(folder, "ready.json");
    processes.push(
      background(folder, "localnet", [
        "localnet",
        "--program",
        PROGRAM,
        "--rpc-port",
        `${rpcPort}`,
        "--ws-port",
        `${rpcPort + 1}`,
        "--slot-ms",
        "200",
        "--nodes",
        `${nodes}`,
        "--ready-file",
        readyFile,
      ]),
    );
    await until(() => existsSync(readyFile), "localnet", folder).catch((error: unknown) => {
      // Nobody else could end it.
      for (const child of processes) child.kill("SIGKILL");
      throw error;
    });
    processes.push(
      background(folder, "store", [
        "store",
        "serve",
        "--listen",
        `127.0.0.1:${storePort}`,
        "--folder",
        "store",
        "--accept-local-uploads",
      ]),
    );
    const ready = JSON.parse(readFileSync(readyFile, "utf8")) as Ready;
    const localnet = new Localnet(folder, ready, { store: storePort, index: indexPort }, processes);
    localnet.addIndex(indexPort);
    localnet.assay(["model", "export-digits", "digits"]);
    return localnet;
  }

  /** Path and name that the files of the digits' graph, params and inputs begin with. */
  get digits(): string {
    return join(this.#folder, "digits", "digits");
  }

  /** Private key of the client, who has tokens. */
  get clientSecret(): Uint8Array {
    return Uint8Array.from((JSON.parse(readFileSync(this.ready.keys.client, "utf8")) as number[]).slice(0, 32));
  }

  /** The path of a file that a process of this localnet wrote. */
  file(name: string): string {
    return join(this.#folder, name);
  }

  /** Runs the command line to its end. */
  assay(args: readonly string[], key = this.ready.keys.client): string {
    return execFileSync(BINARY, [...args, "--output", "json"], {
      cwd: this.#folder,
      env: this.#environment(key),
      encoding: "utf8",
    });
  }

  /** Registers, stakes and runs a node; it may lie. */
  async addNode(index: number, fault?: string): Promise<ChildProcess> {
    const key = this.ready.keys.nodes[index] ?? "";
    const data = `node-${index}`;
    const [listen, status] = [`127.0.0.1:${await freePorts(1)}`, `127.0.0.1:${await freePorts(1)}`];
    this.assay(
      [
        "node",
        "init",
        "--data",
        data,
        "--listen",
        listen,
        "--status-listen",
        status,
        "--allow-private",
        "--backend",
        "cpu",
      ],
      key,
    );
    this.assay(["node", "stake", "50000000000", "--data", data], key);
    const extra = fault === undefined ? {} : { ASSAY_FAULT: fault };
    const node = background(this.#folder, data, ["node", "run", "--data", data], {
      ...this.#environment(key),
      ...extra,
    });
    this.#processes.push(node);
    await until(
      () => readFileSync(join(this.#folder, `${data}.log`), "utf8").includes("takes jobs"),
      data,
      this.#folder,
    );
    return node;
  }

  /** Runs an index of everything that happens. */
  addIndex(port: number): void {
    const run = ["index", "--listen", `127.0.0.1:${port}`, "--folder", "index"];
    this.#processes.push(background(this.#folder, "index", run, this.#environment(this.ready.keys.client)));
  }

  /** Runs a validator that audits. */
  addValidator(): void {
    const [key = ""] = this.ready.keys.validators;
    const run = ["validator", "run", "--data", "validator", "--mode", "audit"];
    this.assay(["validator", "init", "--data", "validator", "--mode", "audit", "--allow-private"], key);
    this.#processes.push(background(this.#folder, "validator", run, this.#environment(key)));
  }

  /** Posts a job over the digits by the command line; its address. */
  postDigits(windowSlots: number, more: readonly string[] = []): string {
    const files = ["graph", "params", "inputs"].flatMap((what) => [`--${what}`, `digits/digits.${what}`]);
    const terms = [
      "--symbols",
      "16",
      "--price-min",
      "500000",
      "--price-max",
      "2000000",
      "--window-slots",
      `${windowSlots}`,
    ];
    const posted = this.assay([
      "job",
      "post",
      ...files,
      ...terms,
      "--store-url",
      this.storeUrl,
      "--store",
      "store",
      ...more,
    ]);
    const { job } = JSON.parse(posted) as { job: string };
    return job;
  }

  /** The end of a process's log, for messages. */
  log(name: string): string {
    return readFileSync(join(this.#folder, `${name}.log`), "utf8").slice(-2_000);
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.reverse()) child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (const child of this.#processes) child.kill("SIGKILL");
    // Who is killed may write for a moment longer.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #environment(key: string): NodeJS.ProcessEnv {
    return { ...process.env, ASSAY_URL: this.ready.rpc_url, ASSAY_WS: this.ready.ws_url, ASSAY_KEYPAIR: key };
  }
}

function background(
  folder: string,
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), "w");
  return spawn(BINARY, args, { cwd: folder, env, stdio: ["ignore", log, log] });
}

async function until(holds: () => boolean, what: string, folder: string): Promise<void> {
  for (let tries = 0; tries < 2_400; tries++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const log = existsSync(join(folder, `${what}.log`))
    ? readFileSync(join(folder, `${what}.log`), "utf8").slice(-2_000)
    : "";
  throw new Error(`${what} did not come up. ${log}`);
}
