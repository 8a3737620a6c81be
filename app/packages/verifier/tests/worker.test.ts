import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { VerifierWorker, VerifyProgress } from "../src/index.js";
import { compileModule } from "../src/index.js";
import { readModule, startVerifierWorker } from "../src/node.js";
import type { FromWorker, ToWorker } from "../src/worker/protocol.js";
import { serve } from "../src/worker/serve.js";
import { flipped, VERIFICATIONS, type Verification } from "./vectors.js";
import { codeOf, describeWithModule } from "./with-module.js";

const digits = VERIFICATIONS.find(({ name }) => name === "digits") as Verification;
const layers = VERIFICATIONS.find(({ name }) => name === "layers") as Verification;

describeWithModule("a worker thread", () => {
  let worker: VerifierWorker;
  beforeEach(async () => {
    worker = await startVerifierWorker();
  });
  afterEach(() => worker.close());

  test("verifies results with progress, elements and proofs", async () => {
    const seen: VerifyProgress[] = [];
    const report = await worker.verifyResult(digits.honest, { onProgress: (progress) => seen.push(progress) });
    expect(report.verdict).toBe("right");
    expect(seen.at(-1)).toMatchObject({ stage: "compare", points: report.points });
    expect(await worker.verifyResult(digits.lie)).toMatchObject({ verdict: "wrong", difference: digits.difference });
    const { slot, element, computed } = layers.difference;
    const boundaryRoot = layers.lie.committed.boundaryRoot;
    const one = await worker.verifyElement({ ...layers.lie, boundaryRoot, slot, element });
    expect(one).toMatchObject({ verdict: "wrong", value: computed });
    for (const { pins, proof, finding } of digits.proofs) {
      if (finding === undefined) expect(await codeOf(() => worker.judge(pins, proof))).toMatch(/^R01/);
      else expect(await worker.judge(pins, proof)).toEqual(finding);
    }
  });

  test("errors keep their codes", async () => {
    const pins = { ...digits.pins, paramsRoot: flipped(digits.pins.paramsRoot) };
    const failed = worker.verifyResult({ ...digits.honest, pins });
    await expect(failed).rejects.toMatchObject({ code: "B0103", message: expect.stringContaining("params root") });
  });

  test("aborting rejects at once, one request alone, and the worker goes on", async () => {
    const abort = new AbortController();
    const first = worker.verifyResult(digits.honest);
    const second = worker.verifyResult(digits.honest, { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    expect((await first).verdict).toBe("right");
    const aborted = worker.verifyResult(digits.honest, { signal: abort.signal });
    await expect(aborted).rejects.toThrow("enough");
    expect((await worker.verifyResult(layers.honest)).verdict).toBe("right");
  });

  test("closing rejects what is pending and what follows", async () => {
    const pending = worker.verifyResult(digits.honest);
    worker.close();
    expect(await codeOf(() => pending)).toBe("B0306");
    expect(await codeOf(() => worker.verifyResult(digits.honest))).toBe("B0306");
  });
});

describeWithModule("the worker's side", () => {
  let module: WebAssembly.Module;
  beforeAll(async () => {
    module = await compileModule(await readModule());
  });

  /** Serves in this thread; `answer` may reply to each message as the page would. */
  function converse(requests: readonly ToWorker[], answer: (message: FromWorker) => ToWorker | undefined) {
    const seen: FromWorker[] = [];
    const ended = new Set<number>();
    return new Promise<FromWorker[]>((resolve) => {
      let receive: (message: ToWorker) => void = () => undefined;
      serve({
        post: (message) => {
          seen.push(message);
          const reply = answer(message);
          if (reply !== undefined) receive(reply);
          if (message.type !== "progress") ended.add(message.id);
          if (ended.size === requests.filter(({ type }) => type === "result").length) resolve(seen);
        },
        listen: (listener) => {
          receive = listener;
        },
        close: () => undefined,
      });
      for (const request of requests) receive(request);
    });
  }

  test("stops an aborted task at its next step", async () => {
    const request: ToWorker = { type: "result", id: 1, request: digits.honest };
    const seen = await converse([{ type: "load", module }, request], (message) =>
      message.type === "progress" && message.progress.stage === "run" ? { type: "abort", id: 1 } : undefined,
    );
    const runs = seen.filter((message) => message.type === "progress" && message.progress.stage === "run");
    expect(runs.length).toBe(1);
    expect(seen.at(-1)).toEqual({ type: "aborted", id: 1 });
  });

  test("never begins a task that was aborted while it waited", async () => {
    const requests: ToWorker[] = [
      { type: "load", module },
      { type: "result", id: 1, request: layers.honest },
      { type: "result", id: 2, request: layers.honest },
      { type: "abort", id: 2 },
    ];
    const seen = await converse(requests, () => undefined);
    expect(seen.filter(({ id }) => id === 2)).toEqual([{ type: "aborted", id: 2 }]);
    expect(seen.filter(({ id }) => id === 1).at(-1)).toMatchObject({ type: "done" });
  });

  test("says so when it has no module", async () => {
    const seen = await converse([{ type: "result", id: 1, request: layers.honest }], () => undefined);
    expect(seen).toMatchObject([{ type: "failed", id: 1, error: { code: "B0306" } }]);
  });
});
