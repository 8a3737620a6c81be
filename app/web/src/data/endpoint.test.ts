import { describe, expect, it } from "vitest";
import { isLoopback, parseEndpoint, rememberedEndpoint } from "./endpoint.ts";

const stored = (value: string | null) => ({ getItem: () => value });

describe("endpoints", () => {
  it("knows where the websocket is", () => {
    expect(parseEndpoint("http://127.0.0.1:8899")).toEqual({
      value: { httpUrl: "http://127.0.0.1:8899/", websocketUrl: "ws://127.0.0.1:8900/" },
    });
    expect(parseEndpoint("https://rpc.example/key")).toEqual({
      value: { httpUrl: "https://rpc.example/key", websocketUrl: "wss://rpc.example/key" },
    });
  });

  it("refuses what is no endpoint", () => {
    expect(parseEndpoint("localhost")).toHaveProperty("error");
    expect(parseEndpoint("ftp://host")).toHaveProperty("error");
  });

  it("takes the address bar before the memory, and neither if they are wrong", () => {
    expect(rememberedEndpoint("?rpc=http://a:1", stored("http://b:2")).httpUrl).toBe("http://a:1/");
    expect(rememberedEndpoint("", stored("http://b:2")).httpUrl).toBe("http://b:2/");
    expect(rememberedEndpoint("?rpc=nonsense", stored(null)).httpUrl).toBe("http://127.0.0.1:8899/");
  });

  it("tells this machine from others", () => {
    const of = (httpUrl: string) => isLoopback({ httpUrl, websocketUrl: "" });
    expect([of("http://127.0.0.1:1"), of("http://localhost"), of("http://[::1]:1")]).toEqual([true, true, true]);
    expect([of("http://127.0.0.1.evil.example"), of("http://10.0.0.1"), of("https://api.devnet.solana.com")]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
