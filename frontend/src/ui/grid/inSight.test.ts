import { describe, expect, it } from "vitest";
import { inSight } from "./inSight";

describe("inSight", () => {
  const many = { rows: 300, pitch: 40 };

  it("holds the rows in sight, one to spare on either side", () => {
    expect(inSight(many, 400, 400)).toEqual([9, 21]);
    expect(inSight(many, 0, 640)).toEqual([0, 17]);
    expect(inSight(many, 4010, 80)).toEqual([99, 104]);
  });

  it("ends with the last row, and is empty behind it", () => {
    expect(inSight(many, 0, 1e6)).toEqual([0, 300]);
    expect(inSight(many, 1e9, 640)).toEqual([300, 300]);
    expect(inSight({ rows: 0, pitch: 40 }, 0, 640)).toEqual([0, 0]);
  });
});
