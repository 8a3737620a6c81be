import { describe, expect, it } from "vitest";
import { refusal, UploadFailed, unreachable, upload } from "./upload.ts";

const bytes = new Uint8Array(3);
const signal = new AbortController().signal;

describe("uploads", () => {
  it("say in sentences why a store refused", () => {
    expect(refusal(201, "{}")).toBeUndefined();
    expect(refusal(200, "")).toBeUndefined();
    expect(refusal(401, "{}")).toContain("asks for a token");
    expect(refusal(413, '{"code":"S0103","message":"S0103: at most 4 bytes"}')).toBe(
      "The store did not take it: at most 4 bytes",
    );
    expect(refusal(502, "<html>")).toBe("The store answered 502.");
    expect(refusal(500, '{"message":7}')).toBe("The store answered 500.");
  });

  it("say what to do where a browser does not say what is wrong", () => {
    expect(unreachable("http://s", "https://app.example")).toContain("--upload-origin https://app.example");
  });

  it("are not begun at what is no address, or too long a one for a job", async () => {
    const to = (url: string) => upload({ url, token: "" }, bytes, () => {}, signal);
    await expect(to("store")).rejects.toThrow("has to begin with http://");
    await expect(to(`http://${"a".repeat(80)}`)).rejects.toThrow("too long");
    await expect(to("http://a b")).rejects.toBeInstanceOf(UploadFailed);
  });
});
