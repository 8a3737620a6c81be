// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import type { ElementAnswer } from "../data/verify.ts";
import { ElementVerdict } from "./element-check.tsx";

const answer = (more: Partial<ElementAnswer["check"]>): ElementAnswer => ({
  milliseconds: 12,
  check: {
    slot: 7,
    element: 1_005,
    computed: -42n,
    from: "committed",
    committed: { value: -42n, leaf: 3, siblings: 5, root: new Uint8Array(32) },
    verdict: "right",
    op: 2,
    readCount: 64,
    ...more,
  },
});
const text = () => document.body.textContent ?? "";

afterEach(cleanup);

describe("the verdict on one element", () => {
  it("says that it is right, out of what, and that its path was checked", () => {
    render(<ElementVerdict answer={answer({})} />);
    expect(text()).toContain("Recomputed here: element 1,005 of tensor 7 is -42, as the node committed to.");
    expect(text()).toContain("out of 64 elements that the node committed to; recomputed in 12 ms.");
    expect(text()).toContain("leaf 3, which with 5 hashes beside it leads to the tensor's root");
  });

  it("says both values where they differ, and that a lie before it may be why", () => {
    const committed = { value: -34n, leaf: 3, siblings: 5, root: new Uint8Array(32) };
    render(<ElementVerdict answer={answer({ verdict: "wrong", from: "run", committed })} />);
    expect(screen.queryByText(/as the node committed to/)).toBeNull();
    expect(text()).toContain("is -42, and the node committed to -34.");
    expect(text()).toContain("Where an earlier element is wrong, this one may be so because of it.");
  });

  it("gives no verdict where there is nothing to compare with", () => {
    render(<ElementVerdict answer={answer({ verdict: "unknown", from: "run", committed: undefined })} />);
    expect(text()).toContain("Recomputed here: element 1,005 of tensor 7 is -42.");
    expect(text()).toContain("there is nothing to compare it with");
    expect(screen.queryByRole("status")).toBeNull();
  });
});
