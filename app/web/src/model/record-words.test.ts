import { readFileSync } from "node:fs";
import { address } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { readRecord } from "../data/history-index/shape.ts";
import { recordWords } from "./record-words.ts";

const KEY = address("4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj");
const write = { amount: (value: bigint) => `${value} USDC`, stake: (value: bigint) => `${value} STAKE` };
const words = (change: string, fields: Record<string, unknown> = {}) =>
  recordWords(readRecord({ id: 1, slot: 2, exact: true, at: 3, kind: "job", account: KEY, change, ...fields }), write);

describe("records in words", () => {
  it("say what happened, and for how much", () => {
    expect(words("job_posted", { client: KEY, mint: KEY, price_min: "5", price_max: "9", bond: "1" })).toEqual({
      sentence: "The job was posted.",
      detail: "For 5 USDC to 9 USDC.",
    });
    expect(
      words("job_ended", { state: "missed", reason: "no_show", fault: "none", mint: KEY, price: "0", charge: "8" }),
    ).toEqual({
      sentence: "The job ended: missed.",
      detail: "A result that never came. The miss cost the node 8 STAKE.",
    });
    expect(words("node_reputation", { before: 0, after: 32_768, reasons: ["settled", "late"] })).toEqual({
      sentence: "Reputation from 0\u2009% to 50\u2009%.",
      detail: "Work settled in its favour; a result was late.",
    });
    expect(words("closed", { last_state: "settled", unseen_end: true }).detail).toContain("is not known");
  });

  it("have a sentence for every change that the index records, and call others by their names", () => {
    const shape = readFileSync(new URL("../../../../worker/index/src/shape.rs", import.meta.url), "utf8");
    const body = /pub enum Change \{\n(.*?)\n\}\n/s.exec(shape)?.[1] ?? "";
    const changes = [...body.matchAll(/^ {4}([A-Z]\w+) \{/gm)].map(([, name = ""]) =>
      name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase(),
    );
    expect(changes.length).toBeGreaterThan(20);
    const unnamed = changes.filter(
      (change) => words(change).sentence === words(`${change}_`).sentence.replace(" .", "."),
    );
    expect(unnamed).toEqual([]);
    expect(words("something_new").sentence).toBe("Something new.");
  });
});
