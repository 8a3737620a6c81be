import { beforeAll, expect, test } from "vitest";
import { recomputeElement, type Verifier } from "../src/index.js";
import { loadVerifier, startVerifierWorker } from "../src/node.js";
import { flipped, VERIFICATIONS, type Verification } from "./vectors.js";
import { codeOf, describeWithModule } from "./with-module.js";

/** A result as what one element of it is asked of. */
function askedOf(result: Verification["honest"], slot: number, element: number) {
  return { ...result, boundaryRoot: result.committed.boundaryRoot, slot, element };
}

describeWithModule("single elements", () => {
  let verifier: Verifier;
  beforeAll(async () => {
    verifier = await loadVerifier();
  });

  test.each(VERIFICATIONS)(
    "$name: a lie is found at its element, with its path, and the honest one is right",
    async (vector) => {
      const { slot, element, served, computed } = vector.difference;
      const lie = await recomputeElement(verifier, askedOf(vector.lie, slot, element));
      expect(lie).toMatchObject({ slot, element, computed, verdict: "wrong", committed: { value: served } });
      const honest = await recomputeElement(verifier, askedOf(vector.honest, slot, element));
      expect(honest).toMatchObject({ computed, verdict: "right", committed: { value: computed } });
      expect(honest.committed?.siblings).toBe(lie.committed?.siblings);
      expect(honest.committed?.root).not.toEqual(lie.committed?.root);
    },
  );

  test("what an op reads of the commitment suffices where it does, and else the graph is run", async () => {
    const from = async (name: string) => {
      const vector = VERIFICATIONS.find((one) => one.name === name) as Verification;
      const slot = [...vector.honest.served.keys()].at(-1) ?? 0;
      return (await recomputeElement(verifier, askedOf(vector.honest, slot, 0))).from;
    };
    expect([await from("layers"), await from("digits")]).toEqual(["committed", "run"]);
  });

  test.each(VERIFICATIONS)(
    "$name: without what the node serves there is a value and no verdict",
    async ({ lie, difference }) => {
      const { slot, element, computed } = difference;
      const alone = await recomputeElement(verifier, { ...askedOf(lie, slot, element), served: new Map() });
      expect(alone).toMatchObject({ computed, from: "run", verdict: "unknown", committed: undefined });
    },
  );

  test.each(VERIFICATIONS)(
    "$name: other bytes than the committed or the pinned ones say nothing of the node",
    async (vector) => {
      const { honest, lie, difference } = vector;
      const asked = askedOf(honest, difference.slot, difference.element);
      expect(await codeOf(() => recomputeElement(verifier, { ...asked, served: lie.served }))).toBe("B0205");
      const artifacts = { ...honest.artifacts, inputs: flipped(honest.artifacts.inputs) };
      expect(await codeOf(() => recomputeElement(verifier, { ...asked, artifacts }))).toBe("B0103");
      expect(await codeOf(() => recomputeElement(verifier, { ...asked, element: 0xffff_ffff }))).toBe("B0108");
    },
  );

  test("a worker does the same, and says how far it is", async () => {
    const worker = await startVerifierWorker();
    try {
      const { honest } = VERIFICATIONS.find(({ name }) => name === "digits") as Verification;
      const slot = [...honest.served.keys()].at(-1) ?? 0;
      const stages = new Set<string>();
      const onProgress = ({ stage }: { stage: string }) => stages.add(stage);
      expect(await worker.recomputeElement(askedOf(honest, slot, 0), { onProgress })).toMatchObject({
        verdict: "right",
      });
      expect([...stages]).toEqual(["artifacts", "run"]);
    } finally {
      worker.close();
    }
  });
});
