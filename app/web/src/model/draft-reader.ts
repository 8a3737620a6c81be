/** Reading what was typed into a form: a value, or a sentence for the field. */
import { MAXIMUM_URI_BYTES } from "@assay/client";
import type { Address } from "@solana/kit";
import { parseAmount } from "./amounts.ts";
import { parseBits } from "./bits.ts";
import { parseAddress } from "./keys.ts";

/** What is wrong, by field. */
export type FaultsOf<Draft> = Readonly<Partial<Record<keyof Draft, string>>>;

/** Reads the fields of a draft, and remembers what is wrong with them. */
export class DraftReader<Draft extends { readonly [Field in keyof Draft]: string }> {
  readonly faults: Partial<Record<keyof Draft, string>> = {};

  constructor(private readonly draft: Draft) {}

  get hasFaults(): boolean {
    return Object.keys(this.faults).length > 0;
  }

  /** The first fault of a field is the one that is said. */
  rule(field: keyof Draft, broken: boolean, sentence: string): void {
    if (broken) this.faults[field] ??= sentence;
  }

  /** An amount of a token with so many digits after the point, in base units; 0 where it is wrong. */
  amount(field: keyof Draft, decimals: number): bigint {
    const parsed = parseAmount(this.draft[field], decimals);
    if ("value" in parsed) return parsed.value;
    this.faults[field] ??= parsed.error;
    return 0n;
  }

  /** The same, where nothing may be entered: 0. */
  amountOrNothing(field: keyof Draft, decimals: number): bigint {
    return this.draft[field].trim() === "" ? 0n : this.amount(field, decimals);
  }

  /** A number of slots within bounds. */
  slots(field: keyof Draft, least: bigint, most: bigint): bigint {
    const text = this.draft[field].trim();
    const value = /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
    if (value === undefined) this.faults[field] ??= "Enter a whole number of slots.";
    else if (value < least || value > most) this.faults[field] ??= `Choose ${least} to ${most} slots.`;
    return value ?? 0n;
  }

  /** An address, or `null` where nothing is entered. */
  address(field: keyof Draft): Address | null {
    if (this.draft[field].trim() === "") return null;
    const parsed = parseAddress(this.draft[field]);
    if ("value" in parsed) return parsed.value;
    this.faults[field] ??= parsed.error;
    return null;
  }

  /** A whole number within bounds; the least where nothing is entered. */
  whole(field: keyof Draft, least: number, most: number): number {
    const text = this.draft[field].trim();
    if (text === "") return least;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
    if (value === undefined || value < least || value > most)
      this.faults[field] ??= `Choose a whole number from ${least} to ${most}.`;
    return value ?? least;
  }

  /** A percentage with up to two digits after the point, in hundredths of a percent; 0 where nothing is entered. */
  basisPoints(field: keyof Draft): bigint {
    const value = this.amountOrNothing(field, 2);
    this.rule(field, value > 10_000n, "Choose at most 100 %.");
    return value;
  }

  /** Numbers from 0 to 63 with commas between them, as a bit for each. */
  bits(field: keyof Draft): bigint {
    const parsed = parseBits(this.draft[field]);
    if (parsed === undefined) this.faults[field] ??= "Enter numbers from 0 to 63 with commas between them.";
    return parsed ?? 0n;
  }

  /** An address of the web that an account can hold; nothing may be entered. */
  uri(field: keyof Draft): void {
    const text = this.draft[field].trim();
    if (text === "") return;
    this.rule(
      field,
      !/^https?:\/\/[\x21-\x7e]+$/.test(text),
      "It has to begin with http:// or https:// and hold no spaces.",
    );
    this.rule(field, text.length > MAXIMUM_URI_BYTES, `It may have at most ${MAXIMUM_URI_BYTES} characters.`);
  }
}
