/** Events: an instruction of the program to itself, which the inner instructions of a transaction hold. */
import type { ReadonlyUint8Array } from "@solana/kit";
import { type AssayEvent, type AssayEventName, EVENT_DECODERS } from "./generated/events.js";
import { hexadecimal } from "./work.js";

/** How the data of every such instruction begins. */
const EVENT_INSTRUCTION = "e445a52e51cb9a1d";
const DISCRIMINATOR_BYTES = 8;

const NAMES = new Map<string, AssayEventName>(
  Object.entries(EVENT_DECODERS).map(([name, { discriminator }]) => [discriminator, name as AssayEventName]),
);

/** The event in the data of an instruction of the program; none if it is no event, or one that this package does not know. */
export function decodeEvent(data: ReadonlyUint8Array): AssayEvent | null {
  if (hexadecimal(data.slice(0, DISCRIMINATOR_BYTES)) !== EVENT_INSTRUCTION) return null;
  const name = NAMES.get(hexadecimal(data.slice(DISCRIMINATOR_BYTES, 2 * DISCRIMINATOR_BYTES)));
  if (name === undefined) return null;
  return { name, data: EVENT_DECODERS[name].decoder().decode(data, 2 * DISCRIMINATOR_BYTES) } as AssayEvent;
}
