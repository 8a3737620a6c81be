import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ABI_VERSION, CODES, compileModule, Verifier } from "../src/index.js";
import { type ModuleExports, ModuleInstance } from "../src/module.js";
import { readModule } from "../src/node.js";
import { codeOf } from "./with-module.js";

/** An empty module: it is WebAssembly, but not the verifier. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const hash = new Uint8Array(32);

function exportsWith(changes: Partial<ModuleExports>): ModuleExports {
  return {
    memory: { buffer: new ArrayBuffer(1024) },
    assay_abi_version: () => ABI_VERSION,
    assay_allocate: () => 64,
    assay_call: () => 512,
    assay_free: () => undefined,
    ...changes,
  };
}

/** Memory in which a reply of these bytes stands at 512. */
function replying(reply: readonly number[]): Pick<ModuleExports, "memory"> {
  const buffer = new ArrayBuffer(1024);
  new DataView(buffer).setUint32(512, reply.length, true);
  new Uint8Array(buffer).set(reply, 516);
  return { memory: { buffer } };
}

describe("modules that cannot be used", () => {
  test("what is no WebAssembly, or not there, is not loaded", async () => {
    expect(await codeOf(() => compileModule(Uint8Array.of(1, 2, 3)))).toBe("B0302");
    expect(await codeOf(() => compileModule(new Response(EMPTY, { status: 404 })))).toBe("B0302");
    expect(await codeOf(() => compileModule(Promise.reject(new Error("offline"))))).toBe("B0302");
    expect(await codeOf(() => readModule(new URL("file:///nowhere.wasm")))).toBe("B0302");
  });

  test("a response is taken whatever type the server gives it", async () => {
    const response = new Response(EMPTY, { headers: { "content-type": "text/plain" } });
    expect(await compileModule(response)).toBeInstanceOf(WebAssembly.Module);
  });

  test("another module and another version are refused", async () => {
    expect(await codeOf(() => Verifier.load(EMPTY))).toBe("B0302");
    expect(await codeOf(() => new ModuleInstance(exportsWith({ assay_abi_version: () => 99 })))).toBe("B0302");
  });
});

describe("calls that go wrong", () => {
  const commit = (exports: ModuleExports) => new Verifier(new ModuleInstance(exports)).commitment(hash, hash, hash);

  test("no memory is an error with a code", async () => {
    expect(await codeOf(() => commit(exportsWith({ assay_allocate: () => 0 })))).toBe("B0303");
  });

  test("a trap is an error, and the instance is never used again", async () => {
    let calls = 0;
    const trap = () => {
      calls += 1;
      throw new WebAssembly.RuntimeError("unreachable");
    };
    const verifier = new Verifier(new ModuleInstance(exportsWith({ assay_call: trap })));
    expect(await codeOf(() => verifier.commitment(hash, hash, hash))).toBe("B0301");
    expect(await codeOf(() => verifier.commitment(hash, hash, hash))).toBe("B0301");
    expect(calls).toBe(1);
  });

  test("replies that end too early or have no code are errors with codes", async () => {
    expect(await codeOf(() => commit(exportsWith(replying([0, 1, 2]))))).toBe("B0304");
    expect(await codeOf(() => commit(exportsWith(replying([1, 33]))))).toBe("B0304");
    const text = [..."R0129 the recomputed value"].map((letter) => letter.charCodeAt(0));
    expect(await codeOf(() => commit(exportsWith(replying([1, ...text]))))).toBe("R0129");
  });

  test("memory is read anew after a call, which may have made it grow", () => {
    const exports = exportsWith(replying([0, ...hash.with(0, 7)]));
    const before = { memory: { buffer: new ArrayBuffer(1024) } };
    let called = false;
    const growing: ModuleExports = {
      ...exports,
      memory: {
        get buffer() {
          return called ? exports.memory.buffer : before.memory.buffer;
        },
      },
      assay_call: () => {
        called = true;
        return 512;
      },
    };
    expect(commit(growing)).toEqual(hash.with(0, 7));
  });
});

test("the README explains every code of this package, and no other", () => {
  const readMe = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const explained = [...readMe.matchAll(/^\| (B03\d\d) \|/gm)].map(([, code]) => code);
  expect(explained).toEqual(Object.values(CODES));
});
