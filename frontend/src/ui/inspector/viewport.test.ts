import { describe, expect, it } from "vitest";
import { enlargedSize, revealing, thumbSize, whole, within, zoomAbout } from "./viewport";

const plane = { width: 16, height: 8 };

describe("within", () => {
  it("is the part itself, moved into a smaller plane, and all where the plane has no such part", () => {
    const part = { x: 9, y: 1, width: 6, height: 4 };
    expect(within(part, plane)).toEqual(part);
    expect(within(part, { width: 12, height: 8 })).toEqual({ ...part, x: 6 });
    expect(within(part, { width: 5, height: 8 })).toBeNull();
    expect(within(whole(16, 8), plane)).toBeNull();
  });
});

describe("zoomAbout", () => {
  it("keeps the place under the cursor where it is", () => {
    const view = zoomAbout(whole(16, 8), plane, { x: 4, y: 2 }, 2);
    expect(view).toEqual({ x: 2, y: 1, width: 8, height: 4 });
    // 4 was a quarter of the way along and still is.
    expect((4 - view.x) / view.width).toBe(0.25);
  });

  it("never leaves the plane and never shows less than three pixels", () => {
    expect(zoomAbout(whole(16, 8), plane, { x: 16, y: 8 }, 2)).toMatchObject({ x: 8, y: 4 });
    expect(zoomAbout(whole(16, 8), plane, { x: 0, y: 0 }, 100).height).toBe(3);
    expect(zoomAbout(whole(16, 8), plane, { x: 3, y: 3 }, 0.5)).toEqual(whole(16, 8));
    expect(zoomAbout(whole(2, 2), { width: 2, height: 2 }, { x: 1, y: 1 }, 2)).toEqual(whole(2, 2));
  });
});

describe("zoomAbout a signal", () => {
  it("shows fewer positions, all of each", () => {
    const signal = { width: 100, height: 1 };
    const view = zoomAbout(whole(100, 1), signal, { x: 40, y: 0 }, 2);
    expect(view).toEqual({ x: 20, y: 0, width: 50, height: 1 });
    expect(zoomAbout(view, signal, { x: 40, y: 0 }, 100).width).toBe(3);
    expect(zoomAbout(view, signal, { x: 40, y: 0 }, 0.5)).toEqual(whole(100, 1));
  });
});

describe("revealing", () => {
  it("moves just far enough", () => {
    const view = { x: 4, y: 2, width: 4, height: 4 };
    expect(revealing(view, plane, { x: 5, y: 3 })).toEqual(view);
    expect(revealing(view, plane, { x: 1, y: 7 })).toEqual({ x: 1, y: 4, width: 4, height: 4 });
  });
});

describe("enlargedSize", () => {
  it("takes whole multiples up to the limit, and shrinks what is larger", () => {
    expect(enlargedSize(28, 28, 224)).toEqual({ width: 224, height: 224 });
    expect(enlargedSize(30, 10, 224)).toEqual({ width: 210, height: 70 });
    expect(enlargedSize(448, 224, 224)).toEqual({ width: 224, height: 112 });
    expect(enlargedSize(1, 1, 224)).toEqual({ width: 224, height: 224 });
  });
});

describe("thumbSize", () => {
  it("takes whole multiples and whole fractions only", () => {
    expect(thumbSize(14, 14, 36)).toEqual({ width: 28, height: 28 });
    expect(thumbSize(56, 28, 36)).toEqual({ width: 28, height: 14 });
    expect(thumbSize(36, 36, 36)).toEqual({ width: 36, height: 36 });
  });
});
