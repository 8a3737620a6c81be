/** Work that is fetched and hashed before it counts as chosen: one attempt at a time, and none outlives what it was made of. */
import { useCallback, useEffect, useRef, useState } from "react";

const LONGEST_MS = 120_000;
const TOO_LONG =
  "It took longer than two minutes and was given up. Look whether the addresses answer, or use a store that is nearer.";

/** What is made here, and how far it has come. */
export interface Preparation<Made> {
  readonly isBusy: boolean;
  /** A sentence for people. */
  readonly fault: string | undefined;
  /** Begins an attempt; it replaces the one that is under way, and what was made before. */
  prepare(make: (signal: AbortSignal) => Promise<Made>): Promise<void>;
  /** Whoever edits what it is made of calls this: what is under way ends, and what was made counts no longer. */
  forget(made?: Made): void;
}

/** Tells `onMade` what is chosen: of an attempt only what it made itself, and only while it is the latest. */
export function usePreparation<Made>(onMade: (made: Made | undefined) => void): Preparation<Made> {
  const running = useRef<AbortController>(undefined);
  const [state, setState] = useState<{ isBusy: boolean; fault?: string }>({ isBusy: false });
  const end = useCallback(() => {
    running.current?.abort();
    running.current = undefined;
  }, []);
  useEffect(() => end, [end]);

  const prepare = async (make: (signal: AbortSignal) => Promise<Made>) => {
    end();
    const controller = new AbortController();
    running.current = controller;
    const isLatest = () => running.current === controller;
    const late = setTimeout(() => controller.abort(new Error(TOO_LONG)), LONGEST_MS);
    setState({ isBusy: true });
    onMade(undefined);
    try {
      const made = await make(controller.signal);
      controller.signal.throwIfAborted();
      if (!isLatest()) return;
      onMade(made);
      setState({ isBusy: false });
    } catch (error) {
      const said = controller.signal.aborted ? controller.signal.reason : error;
      if (isLatest())
        setState({ isBusy: false, fault: said instanceof Error ? said.message : "It could not be prepared." });
    } finally {
      clearTimeout(late);
    }
  };
  const forget = (made?: Made) => {
    end();
    setState({ isBusy: false });
    onMade(made);
  };
  return { isBusy: state.isBusy, fault: state.fault, prepare, forget };
}
