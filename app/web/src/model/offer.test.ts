import {
  filterRefusal,
  getClientEncoder,
  getJobEncoder,
  type JobFilter,
  type Network,
  type PaymentMint,
  type ShownProfile,
  scoreInBasisPoints,
} from "@assay/client";
import { JobState } from "@assay/client/generated";
import { type Address, getAddressDecoder, type Instruction } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../tests/fixture/market.ts";
import { KINDS, kindOf } from "../data/kinds.ts";
import { workOf } from "../data/work.ts";
import { sampleJob } from "../stories/samples.ts";
import { postJob } from "../transact/plans/post.ts";
import { simulate } from "../transact/send.ts";
import {
  accountBytes,
  addressesFault,
  COUNTER_BYTES,
  chainCosts,
  type Draft,
  firstDraft,
  JOB_BYTES,
  postArguments,
  readOffer,
  rentLamports,
} from "./offer.ts";

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

/** Bytes of the transaction that the page tries out. */
async function simulatedBytes(payer: Address, instructions: readonly Instruction[]): Promise<number> {
  let bytes = 0;
  const rpc = {
    getLatestBlockhash: () => ({ send: async () => ({ value: { blockhash: payer, lastValidBlockHeight: 1n } }) }),
    simulateTransaction: (wire: string) => {
      bytes = Buffer.from(wire, "base64").length;
      return { send: async () => ({ value: { err: null, logs: [], unitsConsumed: 1n } }) };
    },
  };
  await simulate(rpc as unknown as Parameters<typeof simulate>[0], payer, instructions);
  return bytes;
}

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

  it("costs the counter's rent the first time, and the fee every time", () => {
    const counter = { version: 1, bump: 0, client: MINT.mint, nextJobId: 0n, openJobs: 0 };
    expect(getClientEncoder().encode(counter).length).toBe(COUNTER_BYTES);
    const returned = rentLamports(1_000) + rentLamports(165);
    expect(chainCosts([1_000, 165], true)).toEqual({ returned, kept: 0n, fee: 5_000n, whole: returned + 5_000n });
    const first = chainCosts([1_000, 165], false);
    expect([first.kept, first.whole]).toEqual([1_266_720n, returned + 1_266_720n + 5_000n]);
  });

  it("says when its addresses are too long together, though none is alone", async () => {
    const work = {
      ...workOf(sampleJob(JobState.Posted)),
      graphUri: "g".repeat(128),
      paramsUri: "p".repeat(128),
      inputsUri: "i".repeat(60),
    };
    const offerOf = (change: Partial<Draft>) => {
      const read = result(change);
      if ("faults" in read) throw new Error(JSON.stringify(read.faults));
      return read.offer;
    };
    const store = (bytes: number) => `http://${"s".repeat(bytes - 7)}`;
    const [signed, budget] = [4, 5].map((byte) => getAddressDecoder().decode(new Uint8Array(32).fill(byte))) as [
      Address,
      Address,
    ];
    const build = async (storeUri: string, isBudget: boolean) => {
      const payer = { client: isBudget ? budget : signed, isBudget, nextJobId: 0n };
      const plan = postJob(work, offerOf({ storeUri }), MINT, payer, String);
      return simulatedBytes(signed, await plan.build(signed));
    };
    for (const [isBudget, most] of [
      [false, 78],
      [true, 45],
    ] as const) {
      expect(addressesFault(work, offerOf({ storeUri: store(most) }), isBudget)).toBeUndefined();
      expect(await build(store(most), isBudget)).toBe(1_232);
      expect(addressesFault(work, offerOf({ storeUri: store(most + 1) }), isBudget)).toContain(
        `have ${317 + most} characters together, and the transaction has room for ${316 + most}`,
      );
    }
    const invited = offerOf({ storeUri: store(78), invitedNode: MINT.mint });
    expect(addressesFault(work, invited, false)).toContain("has room for 362");
  });
});
