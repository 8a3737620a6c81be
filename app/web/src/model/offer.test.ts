import {
  filterRefusal,
  getJobEncoder,
  type JobFilter,
  type Network,
  type PaymentMint,
  type ShownProfile,
  scoreInBasisPoints,
} from "@assay/client";
import { JobState } from "@assay/client/generated";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../tests/fixture/market.ts";
import { KINDS, kindOf } from "../data/kinds.ts";
import { workOf } from "../data/work.ts";
import { sampleJob } from "../stories/samples.ts";
import { accountBytes, type Draft, firstDraft, JOB_BYTES, postArguments, readOffer } from "./offer.ts";

const { accounts } = await generateMarket({ jobs: 0, nodes: 0 });
const all = [...accounts.values()];
const read = <T>(kind: "network" | "paymentMint"): T => {
  const bytes = all.find((one) => kindOf(one) === kind);
  if (bytes === undefined) throw new Error(`There is no ${kind}.`);
  return KINDS[kind].read(bytes) as T;
};
const NETWORK = read<Network>("network");
const MINT = read<PaymentMint>("paymentMint");
const GOOD: Draft = { ...firstDraft(NETWORK), priceMin: "0.5", priceMax: "2" };
const result = (change: Partial<Draft>) => readOffer({ ...GOOD, ...change }, NETWORK, MINT, { payment: 6, stake: 9 });

describe("an offer", () => {
  it("is read from what was typed, with the least bond of the network", () => {
    const read = result({});
    if ("faults" in read) throw new Error(JSON.stringify(read.faults));
    expect(read.offer).toMatchObject({
      priceMin: 500_000n,
      priceMax: 2_000_000n,
      claimSlots: 160n,
      bond: 2_000_000n * 2_000n * 2n,
      invitedNode: null,
    });
  });

  it.each([
    ["priceMax", { priceMax: "0", priceMin: "0" }, "The highest price has to be more than nothing."],
    ["priceMin", { priceMin: "3" }, "The first price is above the highest one."],
    ["priceMax", { priceMax: "two" }, "Use digits and at most one point, such as 12.5."],
    ["claimSlots", { riseSlots: "151" }, "The price would reach its highest only after the last slot of claiming."],
    ["claimSlots", { claimSlots: "216001" }, "Choose 1 to 216000 slots."],
    ["holdSlots", { holdSlots: "9" }, "Choose 10 to 216000 slots."],
    ["windowSlots", { windowSlots: "449" }, "Choose 450 to 216000 slots."],
    ["runSlots", { runSlots: "1.5" }, "Enter a whole number of slots."],
    ["auditCap", { auditPot: "1", windowSlots: "18000" }, "Say the most that one validator earns."],
    [
      "auditCap",
      { auditPot: "1", auditCap: "2", windowSlots: "18000" },
      "One validator cannot earn more than the whole pot.",
    ],
    ["windowSlots", { auditPot: "1", auditCap: "1" }, "An audit needs a window of two epochs: at least 18000 slots."],
    ["invitedNode", { invitedNode: "nobody" }, "This is not a Solana address: it has 32 bytes in base 58."],
    ["regions", { regions: "1, 64" }, "Enter numbers from 0 to 63 with commas between them."],
    ["capabilities", { capabilities: "1,,2" }, "Enter numbers from 0 to 63 with commas between them."],
    ["minimumTier", { minimumTier: "65" }, "Choose a whole number from 0 to 64."],
    ["minimumScore", { minimumScore: "100.01" }, "Choose at most 100 %."],
    ["minimumScore", { minimumScore: "100" }, "No node ever has all of 100 %; choose less."],
    ["storeUri", { storeUri: "store" }, "It has to begin with http:// or https:// and hold no spaces."],
    ["storeUri", { storeUri: `http://${"a".repeat(122)}` }, "It may have at most 128 characters."],
  ] as const)("has a fault of %s", (field, change, sentence) => {
    const read = result(change);
    expect("faults" in read ? read.faults[field] : undefined).toBe(sentence);
  });

  it("asks of nodes what was typed, and nothing where nothing was", () => {
    const filterOf = (change: Partial<Draft>) => {
      const read = result(change);
      return "offer" in read ? read.offer.filter : undefined;
    };
    expect(filterOf({})).toBeNull();
    const filter = filterOf({ regions: "0, 5", capabilities: "1", minimumTier: "9", minimumScore: "33.33" });
    expect(filter).toEqual({ regions: 0b100001n, capabilities: 0b10n, minimumTier: 9, minimumScore: [21_844] });
    // A node that is shown with 33.33 % meets it, one with less does not.
    const met = (score: number) =>
      filterRefusal(filter as JobFilter, { capabilities: 2n, tier: 9, score, region: 5 } satisfies ShownProfile) ===
      null;
    expect([scoreInBasisPoints(21_844), met(21_844), scoreInBasisPoints(21_836), met(21_836)]).toEqual([
      3_333,
      true,
      3_331,
      false,
    ]);
  });

  it("becomes the arguments of the instruction, and nothing else", () => {
    const read = result({});
    if ("faults" in read) throw new Error("It has faults.");
    const work = workOf(sampleJob(JobState.Posted));
    const args = postArguments(work, read.offer, 7n);
    expect(args).toMatchObject({ jobId: 7n, priceMin: 500_000n, graphUri: work.graphUri, auditPot: 0n });
    expect(Object.keys(args)).toHaveLength(25);
  });

  it("knows how large the job's account becomes", () => {
    const seed = { __kind: "Sealed" as const, fields: [new Uint8Array(32)] as const };
    const job = { ...sampleJob(JobState.Posted), seed, graphUri: "", paramsUri: "", inputsUri: "", storeUri: "" };
    expect(getJobEncoder().encode(job).length).toBe(JOB_BYTES);
    const read = result({ storeUri: "http://a" });
    if ("faults" in read) throw new Error("It has faults.");
    const work = { ...workOf(job), graphUri: "abc" };
    expect(accountBytes(work, read.offer)).toEqual([JOB_BYTES + 11, 165]);
  });
});
