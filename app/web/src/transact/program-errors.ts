/** The program's own errors as sentences. */
import { type AssayError, getAssayErrorMessage } from "@assay/client";

/** What the program's error says and what to do about it; `undefined` for a code that is none of its errors. */
export function programErrorText(code: number): string | undefined {
  if (code < 6000 || code > 6999) return undefined;
  const text = getAssayErrorMessage(code as AssayError);
  return text === undefined ? undefined : `${text}. (P${code})`;
}
