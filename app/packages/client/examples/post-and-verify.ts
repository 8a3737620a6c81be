/** Posts a job, waits for its result and computes it again here: `npx tsx post-and-verify.ts READY_FILE FOLDER NAME SYMBOLS`. */
import { readFileSync } from "node:fs";
import { committedOf, connect, decodeBundle, fetchBoundary, Graph, Market, pinsOf, Store, Work } from "@assay/client";
import { verifyResult } from "@assay/verifier";
import { loadVerifier } from "@assay/verifier/node";
import { address, createKeyPairSignerFromBytes } from "@solana/kit";

const verifier = await loadVerifier();
const [readyFile = "ready.json", folder = "digits", name = "digits", symbols = "16"] = process.argv.slice(2);
const localnet = JSON.parse(readFileSync(readyFile, "utf8"));
const key = Uint8Array.from(JSON.parse(readFileSync(localnet.keys.client, "utf8")));
const market = new Market(connect(localnet.rpc_url, localnet.ws_url), await createKeyPairSignerFromBytes(key));

const read = (kind: string) => new Uint8Array(readFileSync(`${folder}/${name}.${kind}`));
const [params, inputs] = [decodeBundle(read("params")), decodeBundle(read("inputs"))];
const work = new Work(new Graph(read("graph")), symbols.split(",").map(Number), params, inputs);
const uris = await new Store(process.env.ASSAY_STORE ?? "http://127.0.0.1:8080").putWork(work.artifacts());
const terms = { priceMin: 500_000n, priceMax: 2_000_000n };
const posted = await market.post(work, uris, terms, address(localnet.payment_mint));
process.stdout.write(`posted ${posted.address}\n`);

const job = await market.waitForResult(posted.address);
const served = await fetchBoundary(work, job, await market.stores(job)); // throws unless the node committed to them
const [pins, committed, artifacts] = [pinsOf(job), committedOf(posted.address, job), work.artifacts()];
const report = await verifyResult(verifier, { pins, committed, artifacts, served });
const { verdict, output, differs, difference: lie } = report;
const where = lie ? `element ${lie.element} of tensor ${lie.slot} is ${lie.computed}, not ${lie.served}` : `${differs}`;
const words =
  verdict === "right"
    ? `right: all ${served.size} tensors that ${job.node} committed to are what was recomputed here; ${output.length} bytes for ${job.price}`
    : `WRONG: recomputed here, ${where}; do not accept it: until its window ends it can be challenged`;
process.stdout.write(`${words}\n`);
process.exitCode = verdict === "right" ? 0 : 1;
