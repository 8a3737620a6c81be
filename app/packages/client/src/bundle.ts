/** Bundles: how the params or the inputs of a job are stored, `worker/models/src/artifact.rs`. */
import { ClientFailure } from "./failure.js";
import { ByteReader } from "./graph/byte-reader.js";

/** Tensors by slot: row-major little-endian bytes. */
export type TensorSet = ReadonlyMap<number, Uint8Array>;

const MAGIC = "ASTB";
const VERSION = 1;
const HEADER_BYTES = 12;
const ENTRY_HEADER_BYTES = 10;

/** The one encoding of a set of tensors. */
export function encodeBundle(tensors: TensorSet): Uint8Array<ArrayBuffer> {
  const entries = [...tensors].sort(([one], [other]) => one - other);
  const length = entries.reduce((sum, [, data]) => sum + ENTRY_HEADER_BYTES + data.length, HEADER_BYTES);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint16(4, VERSION, true);
  view.setUint32(8, entries.length, true);
  let at = HEADER_BYTES;
  for (const [slot, data] of entries) {
    view.setUint16(at, slot, true);
    view.setBigUint64(at + 2, BigInt(data.length), true);
    bytes.set(data, at + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + data.length;
  }
  return bytes;
}

/** The tensors of a bundle. `T0201` where the bytes are none; whether they fit a graph is for `Work` to say. */
export function decodeBundle(bytes: Uint8Array): TensorSet {
  const reader = new ByteReader(bytes, "bundle of tensors");
  if (new TextDecoder().decode(reader.take(4)) !== MAGIC) throw reader.failure("the file does not begin with ASTB");
  const version = reader.u16();
  if (version !== VERSION) throw reader.failure(`version ${version} instead of ${VERSION}`);
  if (reader.u16() !== 0) throw reader.failure("reserved bytes are set");
  const tensors = new Map<number, Uint8Array>();
  let previous = -1;
  for (let left = reader.u32(); left > 0; left -= 1) {
    const slot = reader.u16();
    if (slot <= previous) throw reader.failure("slots do not increase");
    const length = reader.u64();
    if (length > BigInt(bytes.length)) throw reader.failure("the bytes end too early");
    tensors.set(slot, reader.take(Number(length)));
    previous = slot;
  }
  reader.finish();
  return tensors;
}

/** The bytes of a slot. `T0202` where the set has none. */
export function tensorOf(tensors: TensorSet, slot: number): Uint8Array {
  const bytes = tensors.get(slot);
  if (bytes !== undefined) return bytes;
  throw new ClientFailure("T0202", `tensor ${slot} is missing`, "use the bundle that belongs to this graph");
}
