/** The program's own errors as sentences. */
import { explainRefusal } from "@assay/client";

/** What the program's error says and what to do about it; `undefined` for a code that is none of its errors. */
export function programErrorText(code: number): string | undefined {
  const explained = explainRefusal(code);
  return explained === null ? undefined : `${explained.problem} ${explained.remedy} (${explained.code})`;
}
