/** First and last row (half open) within `height` from `top`, with one to spare on either side. */
export function inSight(
  { rows, pitch }: { readonly rows: number; readonly pitch: number },
  top: number,
  height: number,
): readonly [number, number] {
  const first = Math.max(0, Math.floor(top / pitch) - 1);
  const last = Math.min(rows, Math.ceil((top + height) / pitch) + 1);
  return [Math.min(first, last), last];
}
