/** Waiting that can be cut short. */

/** Resolves after a time, or at once when the signal is aborted; never rejects. */
export function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end, { once: true });
  });
}

/** How long to wait before each new attempt: doubling, with a random part, so that not all clients come back at once. */
export class BackOff {
  private failures = 0;

  constructor(
    private readonly firstMilliseconds: number,
    private readonly mostMilliseconds: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** The wait before the next attempt: from half of the present step to all of it. */
  next(): number {
    const step = Math.min(this.firstMilliseconds * 2 ** Math.min(this.failures, 30), this.mostMilliseconds);
    this.failures += 1;
    return step / 2 + (step / 2) * this.random();
  }

  /** An attempt succeeded: the next wait is the first again. */
  reset(): void {
    this.failures = 0;
  }
}
