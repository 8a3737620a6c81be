import { describe, expect, it } from "vitest";
import { parseEndpoint } from "./endpoint.ts";
import { firstSettings, parseIndex, rememberIndex, servedConfig } from "./settings.ts";

function storage(kept: Record<string, string> = {}) {
  return {
    kept,
    getItem: (key: string) => kept[key] ?? null,
    setItem: (key: string, value: string) => {
      kept[key] = value;
    },
  };
}

function endpoint(url: string) {
  const parsed = parseEndpoint(url);
  if ("error" in parsed) throw new Error(parsed.error);
  return parsed.value;
}

const SERVED = { rpc: "http://127.0.0.1:8899", index: "http://127.0.0.1:8920", store: "http://127.0.0.1:8080" };

describe("from where the app reads", () => {
  it("is what whoever serves it says, where nobody chose", () => {
    const settings = firstSettings("", storage(), SERVED);
    expect(settings.endpoint.httpUrl).toBe("http://127.0.0.1:8899/");
    expect(settings.indexUrl).toBe("http://127.0.0.1:8920");
    expect(settings.storeUrl).toBe("http://127.0.0.1:8080");
  });

  it("takes no index of another endpoint's market", () => {
    expect(firstSettings("?rpc=http://other:1", storage(), SERVED)).toMatchObject({
      indexUrl: undefined,
      storeUrl: undefined,
    });
    const kept = storage();
    rememberIndex(endpoint("http://a:1"), "http://index-of-a", kept);
    rememberIndex(endpoint("http://b:1"), "http://index-of-b", kept);
    expect(firstSettings("?rpc=http://a:1", kept, {}).indexUrl).toBe("http://index-of-a");
    expect(firstSettings("?rpc=http://b:1", kept, {}).indexUrl).toBe("http://index-of-b");
    expect(firstSettings("?rpc=http://c:1", kept, {}).indexUrl).toBeUndefined();
  });

  it("takes the address bar before the memory, and the memory before what is served", () => {
    const kept = storage();
    rememberIndex(endpoint(SERVED.rpc), "http://chosen:5", kept);
    expect(firstSettings("", kept, SERVED).indexUrl).toBe("http://chosen:5");
    expect(firstSettings("?index=http://asked:6/", kept, SERVED).indexUrl).toBe("http://asked:6");
    expect(firstSettings("?index=none", kept, SERVED).indexUrl).toBeUndefined();
    rememberIndex(endpoint(SERVED.rpc), undefined, kept);
    expect(firstSettings("", kept, SERVED).indexUrl).toBeUndefined();
  });

  it("survives a memory that somebody spoiled, and an index that is none", () => {
    expect(firstSettings("", storage({ "assay.indexes": "{" }), SERVED).indexUrl).toBe(SERVED.index);
    expect(firstSettings("", storage({ "assay.indexes": "7" }), SERVED).indexUrl).toBe(SERVED.index);
    expect(firstSettings("?index=nonsense", storage(), SERVED).indexUrl).toBeUndefined();
    expect(parseIndex("ftp://host")).toHaveProperty("error");
    expect(parseIndex("here")).toHaveProperty("error");
  });

  it("reads what is served, and does without", async () => {
    const answer = (body: string) => (async () => new Response(body)) as typeof fetch;
    expect(await servedConfig(answer(JSON.stringify({ ...SERVED, more: 1 })))).toEqual(SERVED);
    expect(await servedConfig(answer('{"index":7}'))).toEqual({});
    expect(await servedConfig(answer("<!doctype html>"))).toEqual({});
    expect(
      await servedConfig(async () => {
        throw new TypeError("away");
      }),
    ).toEqual({});
  });
});
