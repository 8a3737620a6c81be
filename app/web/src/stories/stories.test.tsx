// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { MarketContext } from "../data/hooks.ts";
import type { MarketSource } from "../data/source.ts";
import { MarketStore } from "../data/store.ts";
import { JOB_STATES, stateWords } from "../model/job-state.ts";
import { Fence } from "../ui/fence.tsx";
import Stories from "./stories.tsx";

const SILENT: MarketSource = {
  load: async () => [],
  follow: async () => {},
  fetch: async () => [],
  present: async () => new Set(),
  slot: async () => 0n,
  decimals: async () => 6,
};

const shown = () =>
  render(
    <MarketContext value={new MarketStore(SILENT)}>
      <Stories />
    </MarketContext>,
  );

// Each test looks at the whole document.
afterEach(cleanup);

describe("the stories", () => {
  it("show every state of a job, with what it means", () => {
    shown();
    for (const state of JOB_STATES) expect(screen.getByText(stateWords(state).sentence)).toBeTruthy();
    expect(screen.getAllByRole("heading", { name: /^Life: / })).toHaveLength(JOB_STATES.length);
  });

  it("tie what is wrong with a field to the field", () => {
    shown();
    const wrong = screen.getAllByLabelText("Amount that is wrong").at(0);
    expect(wrong?.getAttribute("aria-invalid")).toBe("true");
    const described = document.getElementById(wrong?.getAttribute("aria-describedby") ?? "");
    expect(described?.textContent).toContain("Use digits and at most one point");
  });

  it("turn a result over to another look", () => {
    shown();
    const tabs = screen.getAllByRole("tablist").at(-1);
    if (tabs === undefined) throw new Error("There are no tabs.");
    const vector = within(tabs).getByRole("tab", { name: "Vector" });
    expect(vector.getAttribute("aria-selected")).toBe("false");
    fireEvent.click(vector);
    expect(vector.getAttribute("aria-selected")).toBe("true");
    expect(screen.getByText(/^-310, 42, 8, 1204/)).toBeTruthy();
  });
});

function Broken(): never {
  throw new Error("This part is broken.");
}

describe("a page that fails", () => {
  it("says so and leaves the rest alone", () => {
    render(
      <>
        <p>The rest</p>
        <Fence>
          <Broken />
        </Fence>
      </>,
    );
    expect(screen.getByRole("alert").textContent).toContain("This part is broken.");
    expect(screen.getByText("The rest")).toBeTruthy();
  });
});
