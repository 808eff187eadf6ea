/** The part of a plane that the enlarged tile shows, in source pixels. */
import type { Viewport } from "../../data/choices";

const FEWEST = 3;
/** Height of a plane of one row. */
const LINE = 32;

export function whole(width: number, height: number): Viewport {
  return { x: 0, y: 0, width, height };
}

/** A part as it was asked for, where the plane has it: planes of other layers and runs differ in size. */
export function within(
  view: Viewport | null,
  plane: { width: number; height: number },
): Viewport | null {
  if (!view || view.width > plane.width || view.height > plane.height) return null;
  if (view.width === plane.width && view.height === plane.height) return null;
  const [x, y] = [plane.width - view.width, plane.height - view.height];
  return { ...view, x: Math.min(view.x, x), y: Math.min(view.y, y) };
}

/** Zooms by a factor (2 shows half as much) about a place that stays where it is. */
export function zoomAbout(
  view: Viewport,
  plane: { width: number; height: number },
  at: { x: number; y: number },
  factor: number,
): Viewport {
  // Of a plane of one row only the width is zoomed.
  const row = plane.height === 1;
  const side = row ? view.width : Math.min(view.width, view.height);
  const least = row ? Math.min(FEWEST, plane.width) : Math.min(FEWEST, plane.width, plane.height);
  const by = side / factor < least ? side / least : factor;
  const width = Math.min(plane.width, view.width / by);
  const height = row ? 1 : Math.min(plane.height, view.height / by);
  const place = (now: number, from: number, size: number, next: number, limit: number): number =>
    Math.min(limit - next, Math.max(0, now - ((now - from) / size) * next));
  return {
    x: place(at.x, view.x, view.width, width, plane.width),
    y: place(at.y, view.y, view.height, height, plane.height),
    width,
    height,
  };
}

/** Moves the view by the least that brings a pixel into it. */
export function revealing(
  view: Viewport,
  plane: { width: number; height: number },
  pixel: { x: number; y: number },
): Viewport {
  const shift = (from: number, size: number, at: number, limit: number): number =>
    Math.min(
      limit - size,
      Math.max(0, at < from ? at : at + 1 > from + size ? at + 1 - size : from),
    );
  return {
    ...view,
    x: shift(view.x, view.width, pixel.x, plane.width),
    y: shift(view.y, view.height, pixel.y, plane.height),
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** CSS size of a plane that fills `limit`: a whole multiple where it is enlarged, else just as large. */
export function enlargedSize(width: number, height: number, limit: number): Size {
  const side = Math.max(width, height, 1);
  const zoom = side <= limit ? Math.floor(limit / side) : limit / side;
  return {
    width: Math.max(1, Math.round(width * zoom)),
    height: Math.max(height === 1 ? Math.min(LINE, limit / 2) : 1, Math.round(height * zoom)),
  };
}

/** CSS size of a small picture: a whole multiple or a whole fraction, at most `limit` a side. */
export function thumbSize(width: number, height: number, limit: number): Size {
  const side = Math.max(width, height, 1);
  if (side <= limit || height === 1) return enlargedSize(width, height, limit);
  const part = Math.ceil(side / limit);
  return { width: Math.ceil(width / part), height: Math.ceil(height / part) };
}
