import { beforeAll, expect, test } from "vitest";
import { type Verifier, type VerifyProgress, verifyElement, verifyResult } from "../src/index.js";
import { loadVerifier } from "../src/node.js";
import { flipped, VERIFICATIONS, type Verification } from "./vectors.js";
import { codeOf, describeWithModule } from "./with-module.js";

describeWithModule("whole verifications", () => {
  let verifier: Verifier;
  beforeAll(async () => {
    verifier = await loadVerifier();
  });

  test.each(VERIFICATIONS)("$name: an honest result is right", async ({ honest }) => {
    const report = await verifyResult(verifier, honest);
    expect(report).toMatchObject({ verdict: "right", differs: [], difference: undefined });
    expect(report.computed.boundaryRoot).toEqual(honest.committed.boundaryRoot);
    expect([...honest.served.values()]).toContainEqual(report.output);
  });

  test.each(VERIFICATIONS)("$name: a lie is found, with its element where the tensor is served", async (vector) => {
    const report = await verifyResult(verifier, vector.lie);
    expect(report).toMatchObject({ verdict: "wrong", difference: vector.difference });
    expect(report.differs).toContain("boundaryRoot");
    const alone = await verifyResult(verifier, { ...vector.lie, served: undefined });
    expect(alone).toMatchObject({ verdict: "wrong", difference: undefined });
  });

  test.each(VERIFICATIONS)("$name: each root on-chain is compared by itself", async ({ honest }) => {
    for (const what of ["boundaryRoot", "outputRoot", "commitment"] as const) {
      const committed = { ...honest.committed, [what]: flipped(honest.committed[what]) };
      const report = await verifyResult(verifier, { ...honest, served: undefined, committed });
      expect(report).toMatchObject({ verdict: "wrong", differs: [what] });
    }
    for (const what of ["job", "node"] as const) {
      const committed = { ...honest.committed, [what]: flipped(honest.committed[what]) };
      const report = await verifyResult(verifier, { ...honest, committed });
      expect(report).toMatchObject({ verdict: "wrong", differs: ["commitment"] });
    }
  });

  test.each(VERIFICATIONS)("$name: other artifacts than the job's say nothing of the node", async ({ honest }) => {
    for (const what of ["params", "inputs"] as const) {
      const artifacts = { ...honest.artifacts, [what]: flipped(honest.artifacts[what]) };
      expect(await codeOf(() => verifyResult(verifier, { ...honest, artifacts }))).toBe("B0103");
    }
    const pins = { ...honest.pins, graphRoot: flipped(honest.pins.graphRoot) };
    expect(await codeOf(() => verifyResult(verifier, { ...honest, pins }))).toBe("B0103");
  });

  test.each(VERIFICATIONS)("$name: what is served and was not committed says nothing of the node", async (vector) => {
    const { honest, lie } = vector;
    expect(await codeOf(() => verifyResult(verifier, { ...honest, served: lie.served }))).toBe("B0205");
  });

  test.each(VERIFICATIONS)("$name: progress counts up to the end", async ({ honest }) => {
    const seen: VerifyProgress[] = [];
    const report = await verifyResult(verifier, honest, { onProgress: (progress) => seen.push(progress) });
    expect([...new Set(seen.map(({ stage }) => stage))]).toEqual(["artifacts", "served", "run", "compare"]);
    const points = seen.map((progress) => progress.points);
    expect(points).toEqual(points.toSorted((one, other) => Number(one - other)));
    expect(points.at(-1)).toBe(report.points);
    expect(seen.every(({ totalPoints }) => totalPoints === report.points)).toBe(true);
  });

  test("an aborted run stops at its next step", async () => {
    const { honest } = VERIFICATIONS.find(({ name }) => name === "digits") as Verification;
    const abort = new AbortController();
    let steps = 0;
    const onProgress = ({ stage }: VerifyProgress) => {
      if (stage !== "run") return;
      steps += 1;
      abort.abort(new Error("enough"));
    };
    await expect(verifyResult(verifier, honest, { signal: abort.signal, onProgress })).rejects.toThrow("enough");
    expect(steps).toBe(1);
    // Nothing of it is left behind: as many works as the module holds can follow.
    for (let work = 0; work < 17; work += 1) {
      await expect(verifyResult(verifier, honest, { signal: abort.signal })).rejects.toThrow("enough");
    }
    expect((await verifyResult(verifier, honest)).verdict).toBe("right");
  });

  test("one element is verified out of what the node committed to, without a run", async () => {
    const { honest, lie, difference, elements } = VERIFICATIONS.find(({ name }) => name === "layers") as Verification;
    for (const { slot, element, value } of elements) {
      const request = { ...honest, boundaryRoot: honest.committed.boundaryRoot, slot, element };
      expect(verifyElement(verifier, request)).toMatchObject({ verdict: "right", value, stands: value });
      expect(await codeOf(() => verifyElement(verifier, { ...request, served: lie.served }))).toBe("B0205");
      expect(await codeOf(() => verifyElement(verifier, { ...request, served: new Map() }))).toBe("B0107");
      const pins = { ...honest.pins, inputsRoot: flipped(honest.pins.inputsRoot) };
      expect(await codeOf(() => verifyElement(verifier, { ...request, pins }))).toBe("B0103");
    }
    const { slot, element, served, computed } = difference;
    const report = verifyElement(verifier, { ...lie, boundaryRoot: lie.committed.boundaryRoot, slot, element });
    expect(report).toMatchObject({ verdict: "wrong", value: computed, stands: served });
  });

  test("an element that reads tensors inside its segment needs a run, and says so", async () => {
    const { honest } = VERIFICATIONS.find(({ name }) => name === "digits") as Verification;
    const slot = [...honest.served.keys()].at(-1) ?? 0;
    const request = { ...honest, boundaryRoot: honest.committed.boundaryRoot, slot, element: 0 };
    expect(await codeOf(() => verifyElement(verifier, request))).toBe("R0001");
  });
});
