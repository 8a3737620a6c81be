import { readFileSync } from "node:fs";
import * as program from "@assay/client/generated";
import { getAddressDecoder } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { renderLayouts } from "../../scripts/render-layouts.ts";
import { generateMarket } from "../../tests/fixture/market.ts";
import { Random } from "../../tests/fixture/random.ts";
import { encodeBase58 } from "../model/base58.ts";
import { KINDS, kindOf } from "./kinds.ts";
import { readAccount } from "./layout.ts";

const DECODERS = {
  network: program.getNetworkDecoder(),
  paymentMint: program.getPaymentMintDecoder(),
  node: program.getNodeDecoder(),
  job: program.getJobDecoder(),
  challenge: program.getChallengeDecoder(),
  session: program.getSessionDecoder(),
  demand: program.getDemandDecoder(),
  segmentClaim: program.getSegmentClaimDecoder(),
  budget: program.getBudgetDecoder(),
  proposal: program.getProposalDecoder(),
  validator: program.getValidatorDecoder(),
  client: program.getClientDecoder(),
  rewardPool: program.getRewardPoolDecoder(),
  delegationPool: program.getDelegationPoolDecoder(),
  delegation: program.getDelegationDecoder(),
};

describe("reading accounts fast", () => {
  it("reads what the general codecs read, of every kind that the market has", async () => {
    const { accounts } = await generateMarket({ jobs: 60, nodes: 20 });
    const kinds = new Set<string>();
    for (const bytes of accounts.values()) {
      const kind = kindOf(bytes);
      if (kind === undefined) throw new Error("An account of no known kind.");
      kinds.add(kind);
      expect(KINDS[kind].read(bytes)).toEqual(DECODERS[kind].decode(bytes));
    }
    expect(kinds.size).toBeGreaterThanOrEqual(11);
  });

  it("refuses bytes that end too early or hold an unknown state", async () => {
    const { accounts } = await generateMarket({ jobs: 1, nodes: 1 });
    const job = [...accounts.values()].find((bytes) => kindOf(bytes) === "job");
    if (job === undefined) throw new Error("There is no job.");
    expect(() => KINDS.job.read(job.slice(0, 300))).toThrow(RangeError);
    const unknown = Uint8Array.from(job);
    unknown[10] = 99;
    expect(() => KINDS.job.read(unknown)).toThrow("holds 99");
    const older = Uint8Array.from(job);
    older[8] = 2;
    expect(() => KINDS.job.read(older)).toThrow("another layout");
  });

  it("is generated from the interface description as it is now", () => {
    const description = JSON.parse(readFileSync("../idl/assay.json", "utf8"));
    const committed = readFileSync("src/data/generated/layouts.ts", "utf8");
    expect(renderLayouts(description)).toBe(committed);
  });

  it("reads numbers of every width, and fields by their places", () => {
    const bytes = Uint8Array.of(...new Uint8Array(8), 1, ...new Uint8Array(7), 2, ...new Uint8Array(7), 7, 0, 1, 9);
    const layout = {
      struct: [
        ["wide", "u128"],
        ["score", { tuple: ["u16"] }],
        [
          "seed",
          {
            union: [
              ["Open", { tuple: [] }],
              ["Sealed", { tuple: ["u8"] }],
            ],
          },
        ],
      ],
    } as const;
    expect(readAccount(layout, bytes)).toMatchObject({
      wide: 1n + (2n << 64n),
      score: [7],
      seed: { __kind: "Sealed", fields: [9] },
    });
  });

  it("writes addresses as everybody does", () => {
    const random = new Random(1);
    const decoder = getAddressDecoder();
    const samples = Array.from({ length: 200 }, () => random.bytes(32));
    samples.push(
      new Uint8Array(32),
      new Uint8Array(32).fill(255),
      Uint8Array.of(...new Uint8Array(31), 1),
      Uint8Array.of(0, 1, ...new Uint8Array(30)),
    );
    for (const bytes of samples) expect(encodeBase58(bytes)).toBe(decoder.decode(bytes));
  });
});
