/** A cursor over little-endian bytes that may be anything. */
import { ClientFailure } from "../failure.js";

/** Every read either advances or fails with the offset where it began. */
export class ByteReader {
  private readonly view: DataView;
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.at;
  }

  /** The failure for what was just read. */
  failure(reason: string): ClientFailure {
    return new ClientFailure(
      "T0201",
      `these bytes are no ${this.what}: ${reason} at byte ${this.at}`,
      "write the file again with `assay model`",
    );
  }

  /** The next bytes. */
  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw this.failure("the bytes end too early");
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  /** A number of 8 bits. */
  u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  /** A number of 16 bits. */
  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  /** A number of 32 bits. */
  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** A number of 64 bits. */
  u64(): bigint {
    return this.view.getBigUint64(this.advance(8), true);
  }

  /** A count of 8 bits that is at most `limit`. */
  count(limit: number, of: string): number {
    return this.within(this.u8(), limit, of);
  }

  /** The value, where it is at most `limit`. */
  within(value: number, limit: number, of: string): number {
    if (value > limit) throw this.failure(`${value} ${of}, at most ${limit} are allowed,`);
    return value;
  }

  /** The bytes that `read` goes over. */
  span(read: () => void): Uint8Array {
    const from = this.at;
    read();
    return this.bytes.subarray(from, this.at);
  }

  /** Fails unless everything was read. */
  finish(): void {
    if (this.at !== this.bytes.length) throw this.failure(`${this.bytes.length - this.at} bytes are left over`);
  }

  private advance(length: number): number {
    this.take(length);
    return this.at - length;
  }
}
