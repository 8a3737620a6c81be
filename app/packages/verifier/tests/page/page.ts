/** Verifies in a browser and tells the server that served it: honest results and lies in a worker, one element in the page's own thread. */

import { loadVerifier, startVerifierWorker } from "../../src/browser.js";
import { type VerifyProgress, verifyElement } from "../../src/index.js";
import { VERIFICATIONS } from "../vectors.js";

async function verify(): Promise<Record<string, unknown>> {
  const verifier = await loadVerifier();
  const worker = await startVerifierWorker();
  const report: Record<string, unknown> = {};
  for (const { name, honest, lie } of VERIFICATIONS) {
    const seen: VerifyProgress[] = [];
    const right = await worker.verifyResult(honest, { onProgress: (progress) => seen.push(progress) });
    const wrong = await worker.verifyResult(lie);
    const difference = wrong.difference && { slot: wrong.difference.slot, element: wrong.difference.element };
    report[name] = { right: right.verdict, wrong: wrong.verdict, difference, progress: seen.length > 3 };
  }
  const abort = new AbortController();
  const [first] = VERIFICATIONS;
  if (first !== undefined) {
    const aborted = worker.verifyResult(first.honest, { signal: abort.signal }).then(
      () => "done",
      (error: unknown) => String(error),
    );
    abort.abort("enough");
    report.aborted = await aborted;
    const { slot, element } = first.difference;
    const boundaryRoot = first.lie.committed.boundaryRoot;
    report.element = verifyElement(verifier, { ...first.lie, boundaryRoot, slot, element }).verdict;
  }
  worker.close();
  return report;
}

const body = await verify().catch((error: unknown) => ({ error: String(error) }));
await fetch("/report", { method: "POST", body: JSON.stringify(body) });
