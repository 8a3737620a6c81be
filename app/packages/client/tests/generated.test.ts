import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { INTERFACE_DESCRIPTION, renderClient } from "../scripts/render.js";
import { ASSAY_PROGRAM_ADDRESS, EVENT_DECODERS, explainRefusal, REFUSALS } from "../src/index.js";

interface Description {
  readonly address: string;
  readonly errors: readonly { readonly code: number; readonly name: string; readonly msg: string }[];
  readonly events: readonly { readonly name: string; readonly discriminator: readonly number[] }[];
}

const description: Description = JSON.parse(readFileSync(INTERFACE_DESCRIPTION, "utf8"));
const folder = mkdtempSync(join(tmpdir(), "assay-client-"));
afterAll(() => rmSync(folder, { recursive: true }));

function filesOf(generated: string): Map<string, string> {
  const names = readdirSync(generated, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(generated.length), readFileSync(path, "utf8")]));
}

test("what is committed is what the interface description gives", { timeout: 60_000 }, async () => {
  await renderClient(folder);
  const committed = filesOf(fileURLToPath(new URL("../src/generated", import.meta.url)));
  const rendered = filesOf(join(folder, "src/generated"));
  expect([...committed.keys()].sort()).toEqual([...rendered.keys()].sort());
  const differing = [...rendered].filter(([path, text]) => committed.get(path) !== text).map(([path]) => path);
  expect(differing, "run `npm run generate` and commit what it writes").toEqual([]);
  expect(description.address).toBe(ASSAY_PROGRAM_ADDRESS);
});

test("every error of the program has a sentence and what to do, and no other number has", () => {
  expect(Object.keys(REFUSALS).map(Number)).toEqual(description.errors.map(({ code }) => code));
  for (const { code, name, msg } of description.errors) {
    const explanation = explainRefusal(code);
    expect(explanation?.code).toBe(`P${code}`);
    expect(explanation?.name).toBe(name);
    for (const sentence of [explanation?.problem, explanation?.remedy]) expect(sentence).toMatch(/^\S.{5,}\.$/);
    const joined = `${explanation?.problem} ${explanation?.remedy}`.toLowerCase();
    expect(joined).toBe(`${msg.replace(": ", ". ")}.`.toLowerCase());
  }
  expect(explainRefusal(5_999)).toBeNull();
});

test("every event is known by the bytes with which it begins", () => {
  expect(Object.keys(EVENT_DECODERS)).toEqual(description.events.map(({ name }) => name));
  for (const { name, discriminator } of description.events) {
    const known = Object.entries(EVENT_DECODERS).find(([event]) => event === name)?.[1];
    expect(known?.discriminator).toBe(Buffer.from(discriminator).toString("hex"));
  }
});
