// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, renderHook, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MarketContext } from "../../data/hooks.ts";
import type { MarketSource } from "../../data/source.ts";
import { MarketStore } from "../../data/store.ts";
import { SigningProvider } from "../../transact/context.tsx";
import { ModelPanel } from "../session/model-panel.tsx";
import { usePreparation } from "./preparation.ts";
import { WorkStep } from "./work-step.tsx";

const SILENT: MarketSource = {
  load: async () => [],
  follow: async () => {},
  fetch: async () => [],
  present: async () => new Set(),
  slot: async () => 0n,
  decimals: async () => 6,
};

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A hook with what it chose, the latest last. */
function prepared() {
  const chosen: (string | undefined)[] = [];
  const onMade = (made: string | undefined) => void chosen.push(made);
  return { chosen, ...renderHook(() => usePreparation(onMade)) };
}

describe("a preparation", () => {
  it("that was replaced, edited or left chooses nothing any more", async () => {
    const { chosen, result, unmount } = prepared();
    const slow = () => {
      let resolve: (made: string) => void = () => {};
      const promise = new Promise<string>((done) => {
        resolve = done;
      });
      const seen: { signal?: AbortSignal } = {};
      const make = (signal: AbortSignal) => {
        seen.signal = signal;
        return promise;
      };
      return { make, resolve: (made: string) => resolve(made), seen };
    };
    const [replaced, edited, left] = [slow(), slow(), slow()];
    for (const { make } of [replaced, edited]) act(() => void result.current.prepare(make));
    expect(replaced.seen.signal?.aborted).toBe(true);
    expect(result.current.isBusy).toBe(true);
    act(() => result.current.forget("another"));
    expect(edited.seen.signal?.aborted).toBe(true);
    expect(result.current.isBusy).toBe(false);
    act(() => void result.current.prepare(left.make));
    unmount();
    expect(left.seen.signal?.aborted).toBe(true);
    for (const { resolve } of [replaced, edited, left]) await act(async () => resolve("stale"));
    expect(chosen).toEqual([undefined, undefined, "another", undefined]);
  });

  it("chooses what it made, and says why it made nothing", async () => {
    const { chosen, result } = prepared();
    await act(() => result.current.prepare(async () => "made"));
    expect(chosen).toEqual([undefined, "made"]);
    await act(() => result.current.prepare(() => Promise.reject(new Error("The graph is no graph."))));
    expect(result.current.fault).toBe("The graph is no graph.");
    expect(chosen.at(-1)).toBeUndefined();
  });

  it("is given up after two minutes, in words", async () => {
    vi.useFakeTimers();
    const { result } = prepared();
    const ending = (signal: AbortSignal) =>
      new Promise<string>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    let ended: Promise<void> | undefined;
    act(() => {
      ended = result.current.prepare(ending);
    });
    await act(async () => {
      vi.advanceTimersByTime(120_000);
      await ended;
    });
    expect(result.current.fault).toContain("longer than two minutes");
    expect(result.current.isBusy).toBe(false);
  });
});

describe("the fields of a model", () => {
  const ADDRESSES = ["Address of the graph", "Address of the weights", "Address of the inputs"];

  /** Fills in the addresses of another model and begins to check it; the signals of what is fetched. */
  function checking(panel: React.ReactElement, addresses: readonly string[]) {
    const signals: AbortSignal[] = [];
    vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    const endpoint = { httpUrl: "http://127.0.0.1:1", websocketUrl: "ws://127.0.0.1:2" };
    const page = render(
      <MarketContext value={new MarketStore(SILENT)}>
        <SigningProvider endpoint={endpoint} genesisHash={undefined}>
          {panel}
        </SigningProvider>
      </MarketContext>,
    );
    fireEvent.click(screen.getByRole("radio", { name: /^Another model/ }));
    for (const label of addresses) {
      fireEvent.change(screen.getByLabelText(label), { target: { value: "http://store.example/1" } });
    }
    fireEvent.click(screen.getByRole("button", { name: "Check and hash it" }));
    return { signals, page };
  }

  it.each([...ADDRESSES, "Values of the graph's symbols"])(
    "end the check of a job when %s is edited",
    async (label) => {
      const onWork = vi.fn();
      const panel = <WorkStep work={undefined} onWork={onWork} asked={undefined} next={null} />;
      const { signals } = checking(panel, ADDRESSES);
      expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
      onWork.mockClear();
      fireEvent.change(screen.getByLabelText(label), { target: { value: "7" } });
      expect(signals[0]?.aborted).toBe(true);
      expect(onWork.mock.calls).toEqual([[undefined]]);
    },
  );

  it.each(ADDRESSES.slice(0, 2))("end the check of a session when %s is edited", (label) => {
    const onModel = vi.fn();
    const { signals, page } = checking(<ModelPanel model={undefined} onModel={onModel} />, ADDRESSES.slice(0, 2));
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    onModel.mockClear();
    fireEvent.change(screen.getByLabelText(label), { target: { value: "http://store.example/2" } });
    expect(signals[0]?.aborted).toBe(true);
    expect(onModel.mock.calls).toEqual([[undefined]]);
    fireEvent.click(screen.getByRole("button", { name: "Check and hash it" }));
    page.unmount();
    expect(signals[1]?.aborted).toBe(true);
  });
});
