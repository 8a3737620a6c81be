import { expect, test } from "vitest";
import { artifactId, Store } from "../src/index.js";

test("fetch is called as a function, as browsers demand", async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  function asBrowsersDo(this: unknown): Promise<Response> {
    if (this !== undefined && this !== globalThis) throw new TypeError("Illegal invocation");
    return Promise.resolve(new Response(bytes));
  }
  const store = new Store("http://127.0.0.1:9", asBrowsersDo);
  expect(await store.get(artifactId(bytes), 3)).toEqual(bytes);
});
