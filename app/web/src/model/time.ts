/** Slots as time. A slot is a count, so every duration in seconds is an estimate and is said to be one. */

/** Milliseconds that a slot is meant to take; used until the chain's own pace was seen. */
export const NOMINAL_SLOT_MS = 400;

/** `"3 min"`, `"2 h 5 min"`, `"4 days"`: at most two units, for people. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 1) return "under a second";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 && seconds % 60 !== 0 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 || days >= 10 ? `${days} days` : `${days} days ${hours % 24} h`;
}

/** A number of slots as an estimated duration. */
export function formatSlots(slots: bigint | number, slotMs: number = NOMINAL_SLOT_MS): string {
  return formatDuration(Number(slots) * slotMs);
}

/** `"in 3 min"`, `"5 s ago"` or `"now"`, of a slot seen from another. */
export function formatRelative(slot: bigint, now: bigint, slotMs: number = NOMINAL_SLOT_MS): string {
  if (slot === now) return "now";
  return slot > now ? `in ${formatSlots(slot - now, slotMs)}` : `${formatSlots(now - slot, slotMs)} ago`;
}

/** The pace of a chain, from the slots that were seen. Forgets slowly, so that one late packet does not move it. */
export class Pace {
  #slotMs = NOMINAL_SLOT_MS;
  #last: { slot: bigint; at: number } | undefined;

  /** Takes note that `slot` was the newest at `at` milliseconds. */
  see(slot: bigint, at: number): void {
    const last = this.#last;
    if (last !== undefined && slot <= last.slot) return;
    // Samples over less than a second say more about the network than about the chain.
    if (last !== undefined && at - last.at < 1000) return;
    if (last !== undefined) {
      const sample = (at - last.at) / Number(slot - last.slot);
      if (sample >= 1 && sample <= 60_000) this.#slotMs = this.#slotMs * 0.8 + sample * 0.2;
    }
    this.#last = { slot, at };
  }

  /** Milliseconds a slot, as far as is known. */
  get slotMs(): number {
    return this.#slotMs;
  }
}
