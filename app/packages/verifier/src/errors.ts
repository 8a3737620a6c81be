/** Errors of the verifier: each has a stable code, says what is wrong and what to do. */

/** Codes of this package; those of the module itself and of the referee (B, G, R, M) come in the same form. */
export const CODES = {
  trapped: "B0301",
  unloadable: "B0302",
  memory: "B0303",
  reply: "B0304",
  argument: "B0305",
  worker: "B0306",
} as const;

/** What went wrong. `message` begins with `code`. */
export class VerifierError extends Error {
  override readonly name = "VerifierError";
  readonly code: string;

  constructor(code: string, text: string, options?: ErrorOptions) {
    super(`${code} ${text}`, options);
    this.code = code;
  }

  /** The error of a text that begins with its code. */
  static of(text: string): VerifierError {
    const [, code = CODES.reply, rest = text] = /^([A-Z]\d{4}) ([\s\S]*)$/.exec(text) ?? [];
    return new VerifierError(code, rest);
  }
}
