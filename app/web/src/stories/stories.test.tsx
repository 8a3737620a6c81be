// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { MarketContext } from "../data/hooks.ts";
import type { MarketSource } from "../data/source.ts";
import { MarketStore } from "../data/store.ts";
import { JOB_STATES, stateWords } from "../model/job-state.ts";
import { Fence } from "../ui/fence.tsx";
import { standingSentence } from "../ui/index-standing.ts";
import { STANDINGS } from "./samples.ts";
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

  it("keep the signature of what was sent, and offer no second attempt while its end is not known", () => {
    shown();
    const heading = screen.getByRole("heading", { name: "Sent, and nobody says what became of it" });
    const panel = heading.closest("section");
    if (panel === null) throw new Error("There is no panel.");
    expect(within(panel).getByText("It is not known yet whether this was carried out.")).toBeTruthy();
    expect(within(panel).getByRole("button", { name: /signature/ })).toBeTruthy();
    expect(within(panel).getByRole("button", { name: "Close" })).toBeTruthy();
    expect(within(panel).queryByRole("button", { name: /Try again|Sign and post/ })).toBeNull();
    expect(panel.textContent).not.toContain("Nothing was sent");
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
  it("tell a reputation's past in words beside its line", () => {
    shown();
    expect(screen.getByRole("img", { name: /^The reputation over 4 changes, from 0\u2009% to 71/ })).toBeTruthy();
    const step = screen.getByText(/^a claim ended without a result/).closest("li");
    expect(
      within(step as HTMLElement)
        .getByRole("link")
        .getAttribute("href"),
    ).toContain("/jobs/");
    expect(screen.getByText(/has changed its reputation; it is 0/)).toBeTruthy();
  });

  it("count over time what an index counted, and say so where it did not", () => {
    shown();
    const [known] = screen.getAllByRole("img", { name: /34 jobs settled and 1 were convicted in the last 24 hours/ });
    expect(known).toBeTruthy();
    expect(screen.getByText("http://127.0.0.1:8920 answered 500.")).toBeTruthy();
  });

  it("have a sentence for every way in which an index can stand, and for every record", () => {
    shown();
    for (const sentence of STANDINGS.map((one) => standingSentence("http://127.0.0.1:8920", one)))
      expect(screen.getByText(sentence)).toBeTruthy();
    expect(screen.getByText("A fault was proved against it.")).toBeTruthy();
    expect(screen.getByText("A slash of the node reached the stake that is delegated to it.")).toBeTruthy();
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
