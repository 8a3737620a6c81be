import { afterEach, describe, expect, it, vi } from "vitest";
import { fetchBytes, ResultMissing } from "./artifacts.ts";

afterEach(() => vi.unstubAllGlobals());

describe("a file of whoever serves it", () => {
  const { signal } = new AbortController();

  it("is read no further than it may be long, however much comes", async () => {
    let chunks = 0;
    let isCancelled = false;
    const endless = new ReadableStream({
      pull(controller) {
        chunks += 1;
        if (chunks > 1_000) controller.close();
        else controller.enqueue(new Uint8Array(1_000));
      },
      cancel() {
        isCancelled = true;
      },
    });
    vi.stubGlobal("fetch", async () => new Response(endless));
    const failure = await fetchBytes("https://hostile.example/1", 10_000, signal).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ResultMissing);
    expect(failure).toHaveProperty("message", "https://hostile.example/1 serves more than 10,000 bytes.");
    expect(isCancelled).toBe(true);
    expect(chunks).toBeLessThan(20);
  });

  it("may be exactly as long", async () => {
    vi.stubGlobal("fetch", async () => new Response(new Uint8Array(10_000)));
    expect(await fetchBytes("https://store.example/1", 10_000, signal)).toHaveLength(10_000);
  });
});
