/** One way in which something that is escrowed can end, with what comes back. */
import type { Address } from "@solana/kit";
import { formatSlots } from "../model/time.ts";
import { Amount, StakeAmount } from "./unit.tsx";

/** What is said of an ending before it is signed. */
export interface EndingWords {
  readonly title: string;
  readonly sentence: string;
  /** Comes back, in base units of the payment mint: at least and at most. */
  readonly back: readonly [bigint, bigint];
  /** Comes on top, in base units of the stake mint. */
  readonly charge: bigint;
  /** The most slots until it is decided, without disputes. */
  readonly slots: bigint;
  /** Whether a dispute can make it longer. */
  readonly isDisputable: boolean;
}

/** The ending with its amounts. */
export function EndingRow({ ending, mint, slotMs }: { ending: EndingWords; mint: Address; slotMs: number }) {
  const [least, most] = ending.back;
  return (
    <div
      style={{
        display: "grid",
        gridTemplateColumns: "minmax(0, 1fr) auto",
        gap: 16,
        padding: "12px 0",
        borderBottom: "1px solid var(--line)",
      }}
    >
      <div>
        <h3>{ending.title}</h3>
        <p className="small muted">{ending.sentence}</p>
        <p className="small faint">
          Within {formatSlots(ending.slots, slotMs)} at most
          {ending.isDisputable ? ", and longer only if it is disputed" : ""}.
        </p>
      </div>
      <div style={{ textAlign: "right" }}>
        <div className="small muted">back to you</div>
        <Amount value={least} mint={mint} />
        {most !== least && (
          <>
            {" "}
            to
            <br />
            <Amount value={most} mint={mint} />
          </>
        )}
        {ending.charge > 0n && (
          <div className="small">
            and <StakeAmount value={ending.charge} />
          </div>
        )}
      </div>
    </div>
  );
}
