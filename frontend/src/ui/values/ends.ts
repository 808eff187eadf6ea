/** Moves of the window's ends, as changes of the window's state. */
import type { Span, WindowState } from "../../data/choices";
import { adjustmentOf, dragged } from "../../render/window";
import type { Selected } from "../../state/selected";

/** How far brightness and contrast may go beyond their sliders when an end is dragged. */
const FARTHEST = 4;

function clamped(value: number): number {
  return Math.min(FARTHEST, Math.max(-FARTHEST, value));
}

/**
 * The state in which the selected channel has these limits. With one window for all the limits are
 * typed ones only while `Range` is manual; else the base stays and every channel moves alike.
 */
export function changeToLimits(
  window: WindowState,
  selected: Selected,
  limits: Span,
): Partial<WindowState> {
  if (window.range === "manual") {
    return { manual: [limits.lo, limits.hi], brightness: 0, contrast: 0 };
  }
  const { table } = selected.shown;
  const base = table.base(selected.position);
  const { brightness, contrast } = adjustmentOf(limits, base, table.full(selected.position));
  return { brightness: clamped(brightness), contrast: clamped(contrast) };
}

/** Which end a press at a value takes: the nearer one. */
export function nearerEnd(limits: Span, value: number): "lo" | "hi" {
  return value <= limits.lo / 2 + limits.hi / 2 ? "lo" : "hi";
}

/** One end at a new value; it stops short of the other. */
export function withEnd(limits: Span, end: "lo" | "hi", value: number): Span {
  const least = Math.max((limits.hi - limits.lo) * 1e-4, Number.MIN_VALUE);
  return end === "lo"
    ? { lo: Math.min(value, limits.hi - least), hi: limits.hi }
    : { lo: limits.lo, hi: Math.max(value, limits.lo + least) };
}

/** Brightness and contrast after a drag of dx, dy pixels that began at `start`. */
export function changeByDrag(
  start: Pick<WindowState, "brightness" | "contrast">,
  dx: number,
  dy: number,
): Partial<WindowState> {
  const { brightness, contrast } = dragged(start, dx, dy);
  return { brightness: clamped(brightness), contrast: clamped(contrast) };
}

/** A limit as typed: a number with point or comma, exponents allowed; null where it is none. */
export function parseLimit(text: string): number | null {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}
