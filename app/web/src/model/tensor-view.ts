/** Tensors as people look at them: numbers, a table, an image, text. */
import { Dtype } from "@assay/client";

/** What is known of a tensor. */
export interface Shape {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
}

/** A way to look at a tensor. */
export type Look = "table" | "vector" | "image" | "text" | "bytes";

const NAMES: Readonly<Record<Dtype, string>> = {
  [Dtype.I8]: "i8",
  [Dtype.U8]: "u8",
  [Dtype.I16]: "i16",
  [Dtype.I32]: "i32",
};

/** `i32 of 16 × 10`. */
export function shapeText({ dtype, dims }: Shape): string {
  return `${NAMES[dtype]} of ${dims.length === 0 ? "one element" : dims.join(" \u00d7 ")}`;
}

/** All elements in order. */
export function elements(bytes: Uint8Array, dtype: Dtype): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case Dtype.I8:
      return Array.from(bytes, (_, index) => view.getInt8(index));
    case Dtype.U8:
      return Array.from(bytes);
    case Dtype.I16:
      return Array.from({ length: bytes.length >> 1 }, (_, index) => view.getInt16(index * 2, true));
    case Dtype.I32:
      return Array.from({ length: bytes.length >> 2 }, (_, index) => view.getInt32(index * 4, true));
  }
}

/** Every look that fits, the most telling one first. */
export function looksOf(bytes: Uint8Array, shape: Shape): readonly Look[] {
  const looks: Look[] = [];
  if (isText(bytes, shape)) looks.push("text");
  if (imageSize(shape) !== undefined) looks.push("image");
  const rank = shape.dims.filter((dim) => dim > 1).length;
  looks.push(...(rank >= 2 ? (["table", "vector"] as const) : (["vector"] as const)), "bytes");
  return looks;
}

/** Width, height and channels of what can be an image. */
export function imageSize({
  dims,
}: Shape): { readonly width: number; readonly height: number; readonly channels: number } | undefined {
  const sized = dims.filter((dim, index) => dim > 1 || index >= dims.length - 2);
  const last = sized.at(-1) ?? 0;
  const [height = 0, width = 0, channels = 1] = last <= 4 && sized.length >= 3 ? sized.slice(-3) : sized.slice(-2);
  const fits = sized.length >= 2 && height >= 16 && width >= 16 && (channels === 1 || channels === 3 || channels === 4);
  return fits ? { width, height, channels } : undefined;
}

/** Pixels in RGBA, the values stretched between the least and the greatest one. */
export function pixels(
  values: readonly number[],
  size: { width: number; height: number; channels: number },
): Uint8ClampedArray<ArrayBuffer> {
  const { width, height, channels } = size;
  const count = width * height;
  const [low, high] = bounds(values.slice(0, count * channels));
  const scale = high === low ? 0 : 255 / (high - low);
  const out = new Uint8ClampedArray(count * 4);
  for (let pixel = 0; pixel < count; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = values[pixel * channels + (channels === 1 ? 0 : channel)] ?? low;
      out[pixel * 4 + channel] = (value - low) * scale;
    }
    out[pixel * 4 + 3] = channels === 4 ? ((values[pixel * 4 + 3] ?? high) - low) * scale : 255;
  }
  return out;
}

/** Rows of the innermost two axes that are more than one; everything before them is laid one below the other. */
export function tableOf(
  values: readonly number[],
  { dims }: Shape,
): { readonly columns: number; readonly rows: number } {
  const columns = [...dims].reverse().find((dim) => dim > 1) ?? 1;
  return { columns, rows: Math.ceil(values.length / columns) };
}

/** The place of the greatest value of a row. */
export function greatest(row: readonly number[]): number {
  return row.reduce((best, value, index) => (value > (row[best] ?? Number.NEGATIVE_INFINITY) ? index : best), 0);
}

function isText(bytes: Uint8Array, { dtype }: Shape): boolean {
  if (bytes.length === 0 || (dtype !== Dtype.U8 && dtype !== Dtype.I8)) return false;
  return bytes.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13);
}

function bounds(values: readonly number[]): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return values.length === 0 ? [0, 0] : [low, high];
}
