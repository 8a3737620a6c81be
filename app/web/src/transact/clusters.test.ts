import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mayBurn } from "./burner.ts";
import { chainOf, PUBLIC_CLUSTERS } from "./clusters.ts";

/** What the Rust code says of them. */
const clusters: readonly { readonly name: string; readonly genesisHash: string }[] = JSON.parse(
  readFileSync(new URL("../../../vectors/clusters.json", import.meta.url), "utf8"),
);

describe("the public clusters", () => {
  it("are those that the Rust code knows, each by the name that wallets have for it", () => {
    expect(Object.fromEntries(PUBLIC_CLUSTERS)).toEqual(
      Object.fromEntries(clusters.map(({ name, genesisHash }) => [genesisHash, `solana:${name}`])),
    );
    for (const { name, genesisHash } of clusters) expect(chainOf(genesisHash)).toBe(`solana:${name}`);
    expect(chainOf("11111111111111111111111111111111")).toBe("solana:localnet");
    expect(chainOf(undefined)).toBe("solana:localnet");
  });

  it("never get a burner, not through a tunnel either", () => {
    for (const { genesisHash } of clusters) expect(mayBurn(true, genesisHash)).toBe(false);
  });
});
