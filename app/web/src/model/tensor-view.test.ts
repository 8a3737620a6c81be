import { Dtype } from "@assay/client";
import { describe, expect, it } from "vitest";
import { elements, greatest, imageSize, looksOf, pixels, shapeText, tableOf } from "./tensor-view.ts";

const bytesOf = (values: Int32Array | Int16Array) => new Uint8Array(values.buffer);

describe("tensors", () => {
  it("are read little endian, with their signs", () => {
    expect(elements(bytesOf(Int32Array.of(-2, 70_000)), Dtype.I32)).toEqual([-2, 70_000]);
    expect(elements(bytesOf(Int16Array.of(-3, 300)), Dtype.I16)).toEqual([-3, 300]);
    expect(elements(Uint8Array.of(255, 1), Dtype.I8)).toEqual([-1, 1]);
    expect(elements(Uint8Array.of(255, 1), Dtype.U8)).toEqual([255, 1]);
  });

  it("are shown as what they are", () => {
    const text = new TextEncoder().encode("hello");
    expect(looksOf(text, { dtype: Dtype.U8, dims: [5] })[0]).toBe("text");
    expect(looksOf(new Uint8Array(40), { dtype: Dtype.I32, dims: [1, 10] })[0]).toBe("vector");
    expect(looksOf(new Uint8Array(80), { dtype: Dtype.I32, dims: [2, 10] })[0]).toBe("table");
    expect(looksOf(new Uint8Array(1024), { dtype: Dtype.U8, dims: [32, 32] })[0]).toBe("image");
    expect(shapeText({ dtype: Dtype.I32, dims: [2, 10] })).toBe("i32 of 2 \u00d7 10");
  });

  it("are images with or without channels", () => {
    expect(imageSize({ dtype: Dtype.U8, dims: [1, 64, 48] })).toEqual({ width: 48, height: 64, channels: 1 });
    expect(imageSize({ dtype: Dtype.U8, dims: [64, 48, 3] })).toEqual({ width: 48, height: 64, channels: 3 });
    expect(imageSize({ dtype: Dtype.U8, dims: [2, 10] })).toBeUndefined();
    const drawn = pixels([0, 100, 50, 100], { width: 2, height: 2, channels: 1 });
    expect([...drawn]).toEqual([0, 0, 0, 255, 255, 255, 255, 255, 127, 127, 127, 255, 255, 255, 255, 255]);
  });

  it("are tables of their innermost axis", () => {
    expect(tableOf([1, 2, 3, 4, 5, 6], { dtype: Dtype.I8, dims: [2, 3] })).toEqual({ columns: 3, rows: 2 });
    expect(greatest([-5, 2, 9, 9])).toBe(2);
  });
});
