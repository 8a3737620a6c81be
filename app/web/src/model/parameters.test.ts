import type { Network } from "@assay/client/generated";
import { describe, expect, it } from "vitest";
import { generateMarket } from "../../tests/fixture/market.ts";
import { KINDS, kindOf } from "../data/kinds.ts";
import { allParameters, boundFault, changed, leastUnbonding } from "./parameters.ts";

const { accounts } = await generateMarket({ jobs: 0, nodes: 0 });
const bytes = [...accounts.values()].find((one) => kindOf(one) === "network");
if (bytes === undefined) throw new Error("There is no network.");
const NETWORK: Network = KINDS.network.read(bytes);

describe("parameters", () => {
  it("are all within their bounds, and each is refused one beyond", () => {
    expect(boundFault(NETWORK, NETWORK.parameters)).toBeUndefined();
    for (const parameter of allParameters(NETWORK)) {
      const fault = boundFault(NETWORK, parameter.write(NETWORK.parameters, parameter.most + 1n));
      expect(fault, parameter.key).toMatch(/is outside its bounds\.$/);
    }
  });

  it("are every one that the network has", () => {
    const { dispute, audit, scheduling, ...top } = NETWORK.parameters;
    const numbers = Object.entries(scheduling).filter(([, value]) => typeof value !== "object");
    const expected = [
      ...Object.keys(top),
      ...Object.keys(dispute).map((key) => `dispute.${key}`),
      ...Object.keys(audit).map((key) => `audit.${key}`),
      ...numbers.map(([key]) => `scheduling.${key}`),
    ];
    expect(
      allParameters(NETWORK)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(expected.sort());
  });

  it("are read as they are written, and change nothing else", () => {
    for (const parameter of allParameters(NETWORK)) {
      const next = parameter.write(NETWORK.parameters, 12_345n);
      expect(parameter.read(next)).toBe(12_345n);
      expect(changed(NETWORK, next).map(({ parameter: { key } }) => key)).toEqual([parameter.key]);
    }
  });

  it("keep stake reachable longer than any job", () => {
    const { parameters } = NETWORK;
    const program =
      216_000n + 216_000n + 675n + 13_500n + 13_500n + parameters.scheduling.correlationWindowSlots / 2n + 64n;
    expect(parameters.scheduling.correlationWindowSlots).toBeGreaterThan(1n);
    expect(leastUnbonding(parameters)).toBe(program);
    expect(boundFault(NETWORK, { ...parameters, unbondingSlots: leastUnbonding(parameters) - 1n })).toBe(
      "Unbonding time of stake is outside its bounds.",
    );
  });

  it("have higher floors where something is at stake", () => {
    const floor = (development: boolean) =>
      allParameters({ ...NETWORK, development }).find(({ key }) => key === "dispute.defenderClockSlots")?.least;
    expect([floor(true), floor(false)]).toEqual([10n, 9_000n]);
  });
});
