/** Arrow keys in a grid of cells: from one index to the next, or null for any other key. */
export function movedTo(
  key: string,
  index: number,
  count: number,
  columns: number,
  pageRows: number,
  control: boolean,
): number | null {
  const rowStart = index - (index % columns);
  const moves: Record<string, number> = {
    ArrowLeft: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index - columns,
    ArrowDown: index + columns,
    Home: control ? 0 : rowStart,
    End: control ? count - 1 : rowStart + columns - 1,
    PageUp: index - columns * pageRows,
    PageDown: index + columns * pageRows,
  };
  const to = moves[key];
  if (to === undefined) return null;
  if ((key === "ArrowUp" || key === "ArrowDown") && (to < 0 || to >= count)) return index;
  return Math.min(count - 1, Math.max(0, to));
}
