import { getSessionEncoder, type Network, type PaymentMint } from "@assay/client";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../tests/fixture/market.ts";
import { KINDS, type Kind, kindOf } from "../data/kinds.ts";
import { NOBODY } from "./keys.ts";
import {
  firstSessionDraft,
  readSessionOffer,
  requestsOf,
  SESSION_BYTES,
  type SessionDraft,
  sessionEndings,
} from "./session-offer.ts";

const { accounts } = await generateMarket({ jobs: 0, nodes: 3 });
const read = <T>(kind: Kind): T => {
  const bytes = [...accounts.values()].find((one) => kindOf(one) === kind);
  if (bytes === undefined) throw new Error(`There is no ${kind}.`);
  return KINDS[kind].read(bytes) as T;
};
const NETWORK = read<Network>("network");
const MINT = read<PaymentMint>("paymentMint");
const NODE = "4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj";
const GOOD: SessionDraft = { ...firstSessionDraft(NETWORK, NODE), price: "0.001", balance: "2" };
const result = (change: Partial<SessionDraft>) => readSessionOffer({ ...GOOD, ...change }, NETWORK, MINT);

describe("an offer of a session", () => {
  it("is read from what was typed, with the least bond of the network", () => {
    const read = result({});
    if ("faults" in read) throw new Error(JSON.stringify(read.faults));
    expect(read.offer).toEqual({
      node: NODE,
      price: 1_000n,
      balance: 2_000_000n,
      acceptSlots: 750n,
      sessionSlots: 4_500n,
      windowSlots: 450n,
      bond: 2_000_000n * 2_000n * 2n,
      voucherKey: null,
    });
    expect(requestsOf(read.offer)).toBe(2_000n);
  });

  it.each([
    ["node", { node: "" }, "Choose the node that serves."],
    ["node", { node: "somebody" }, "This is not a Solana address: it has 32 bytes in base 58."],
    ["price", { price: "0" }, "A request has to cost something."],
    ["balance", { balance: "0.0009" }, "The balance has to pay for one request at least."],
    ["acceptSlots", { acceptSlots: "0" }, "Choose 1 to 216000 slots."],
    ["sessionSlots", { sessionSlots: "216001" }, "Choose 1 to 216000 slots."],
    ["windowSlots", { windowSlots: "449" }, "Choose 450 to 216000 slots."],
    ["voucherKey", { voucherKey: "me" }, "This is not a Solana address: it has 32 bytes in base 58."],
  ] as const)("has a fault of %s", (field, change, sentence) => {
    const read = result(change);
    expect("faults" in read ? read.faults[field] : undefined).toBe(sentence);
  });

  it("says of every ending what comes back: all of it unless the node served", () => {
    const read = result({});
    if ("faults" in read) throw new Error("It has faults.");
    const endings = new Map(sessionEndings(read.offer).map((ending) => [ending.key, ending]));
    for (const key of ["cancelled", "expired", "convicted"] as const) {
      expect(endings.get(key)?.back).toEqual([2_000_000n, 2_000_000n]);
    }
    for (const key of ["settled", "ended", "silent"] as const) expect(endings.get(key)?.back).toEqual([0n, 2_000_000n]);
    expect(endings.get("expired")?.slots).toBe(750n);
    expect(endings.get("settled")?.slots).toBe(750n + 4_500n + 450n);
  });

  it("knows how large the account is", () => {
    const session = { ...read<Parameters<ReturnType<typeof getSessionEncoder>["encode"]>[0]>("session") };
    const bytes = getSessionEncoder().encode({ ...session, voucherKey: NOBODY, graphUri: "", paramsUri: "" });
    expect(bytes.length).toBe(SESSION_BYTES);
  });
});
