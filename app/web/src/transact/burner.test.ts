import { getAddressDecoder } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { CLIENT_SECRET } from "../../tests/fixture/market.ts";
import { burner, mayBurn, rememberBurner, secretOfKeypairFile, signerOfSecret } from "./burner.ts";
import { PUBLIC_CLUSTERS } from "./clusters.ts";
import { keypairFile } from "./keypair-file.ts";

function storage() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

describe("a keypair file", () => {
  it("holds the key of its address, as the command line writes it", async () => {
    const { address, json } = await keypairFile();
    const read = secretOfKeypairFile(json);
    if ("error" in read) throw new Error(read.error);
    expect((await signerOfSecret(read.value)).address).toBe(address);
    const bytes = Uint8Array.from(JSON.parse(json) as number[]);
    expect(getAddressDecoder().decode(bytes.slice(32))).toBe(address);
    expect((await keypairFile()).address).not.toBe(address);
  });
});

describe("the burner", () => {
  it("is for an endpoint of this machine and a cluster on which nothing is at stake", () => {
    expect(mayBurn(true, "11111111111111111111111111111111")).toBe(true);
    expect(mayBurn(false, "11111111111111111111111111111111")).toBe(false);
    expect(mayBurn(true, undefined)).toBe(false);
    for (const cluster of PUBLIC_CLUSTERS.keys()) expect(mayBurn(true, cluster)).toBe(false);
  });

  it("is the same key again, until another one is given", async () => {
    const kept = storage();
    const first = await burner(kept);
    expect((await burner(kept)).address).toBe(first.address);
    rememberBurner(CLIENT_SECRET, kept);
    expect((await burner(kept)).address).toBe((await signerOfSecret(CLIENT_SECRET)).address);
  });

  it("is read from a keypair file and from nothing else", () => {
    const file = JSON.stringify([...CLIENT_SECRET, ...new Uint8Array(32)]);
    expect(secretOfKeypairFile(file)).toEqual({ value: CLIENT_SECRET });
    for (const wrong of ["", "{}", "[1,2]", JSON.stringify(Array(64).fill(256)), JSON.stringify(Array(64).fill("1"))]) {
      expect(secretOfKeypairFile(wrong)).toHaveProperty("error");
    }
  });
});
