/** Posts a job, waits for its result and verifies it: `npx tsx examples/post-and-verify.ts LOCALNET.json FOLDER NAME SYMBOLS`. */
import { readFileSync } from "node:fs";
import { connect, decodeBundle, Graph, Market, Store, Work } from "@assay/client";
import { address, createKeyPairSignerFromBytes } from "@solana/kit";

const [localnetFile = "localnet.json", folder = "digits", name = "digits", symbols = "16"] = process.argv.slice(2);
const localnet = JSON.parse(readFileSync(localnetFile, "utf8"));
const read = (kind: string) => new Uint8Array(readFileSync(`${folder}/${name}.${kind}`));
const payer = await createKeyPairSignerFromBytes(
  Uint8Array.from(JSON.parse(readFileSync(localnet.keys.client, "utf8"))),
);
const market = new Market(connect(localnet.rpc_url, localnet.ws_url), payer);

const graph = new Graph(read("graph"));
const work = new Work(
  graph,
  symbols.split(",").map(Number),
  decodeBundle(read("params")),
  decodeBundle(read("inputs")),
);
const uris = await new Store(process.env.ASSAY_STORE ?? "http://127.0.0.1:8080").putWork(work.artifacts());
const terms = { priceMin: 500_000n, priceMax: 2_000_000n };
const posted = await market.post(work, uris, terms, address(localnet.payment_mint));
process.stdout.write(`posted ${posted.address}\n`);

const job = await market.waitForResult(posted.address);
const output = await market.result(work, job); // throws unless its root is the one that the node committed to
process.stdout.write(`verified ${output.length} bytes, computed by ${job.node} for ${job.price}\n`);
