/** Addresses and hashes, always with a way to copy them whole. */

import type { Address } from "@solana/kit";
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { isNobody, shortAddress } from "../model/keys.ts";

/** Copies `text`; says so for a moment. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 1600);
    return () => clearTimeout(timer);
  }, [state]);
  const label = { idle: `Copy ${what}`, done: "Copied", failed: "Could not copy" }[state];
  return (
    <button
      type="button"
      className={`copy above ${state === "done" ? "done" : ""}`}
      aria-label={label}
      title={label}
      onClick={(event) => {
        event.preventDefault();
        event.stopPropagation();
        navigator.clipboard.writeText(text).then(
          () => setState("done"),
          () => setState("failed"),
        );
      }}
    >
      {state === "done" ? <Check aria-hidden /> : <Copy aria-hidden />}
      <span className="visually-hidden" aria-live="polite">
        {state === "done" ? "Copied" : ""}
      </span>
    </button>
  );
}

/** An address: short unless `whole`, a link where there is a page for it. */
export function AddressText({
  value,
  to,
  what = "address",
  whole = false,
}: {
  value: Address | string;
  to?: string;
  what?: string;
  whole?: boolean;
}) {
  if (isNobody(value as Address)) return <span className="faint">none</span>;
  const text = whole ? value : shortAddress(value);
  return (
    <span className={`address ${whole ? "whole" : ""}`} title={value}>
      {to === undefined ? <span>{text}</span> : <Link href={to}>{text}</Link>}
      <CopyButton text={value} what={what} />
    </span>
  );
}

/** A hash in hexadecimal digits. */
export function HashText({ value, what = "hash" }: { value: string; what?: string }) {
  return (
    <span className="address" title={value}>
      <span>{shortAddress(value, 8, 6)}</span>
      <CopyButton text={value} what={what} />
    </span>
  );
}
