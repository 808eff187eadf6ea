/**
 * What is painted, as text: by the id of each state, of each canvas in it "WIDTH×HEIGHT" and lines of
 * cells, first how light each is (0 to 9), then its hue (r y g c b m, or . for none). Where less than
 * half of a cell is painted stands ":", of less than a seventh ".", of nothing a space.
 */
() => {
  const CELL = 6, MOST = { columns: 40, rows: 12 }, COLOURLESS = 24;
  const clamp = (value, most) => Math.max(1, Math.min(most, Math.ceil(value / CELL)));

  const hueOf = ([r, g, b]) => {
    const [low, high] = [Math.min(r, g, b), Math.max(r, g, b)];
    if (high - low < COLOURLESS) return ".";
    const share = high === r ? (g - b) / (high - low) : high === g ? 2 + (b - r) / (high - low) : 4 + (r - g) / (high - low);
    return "rygcbm"[Math.round(share + 6) % 6];
  };

  const lightOf = ({ rgb: [r, g, b], opaque }) => {
    if (opaque < 0.5) return opaque < 0.15 ? "." : ":";
    return Math.min(9, Math.floor((0.2126 * r + 0.7152 * g + 0.0722 * b) / 25.6));
  };

  const meanOf = ({ data, width }, left, top, right, bottom) => {
    const sums = [0, 0, 0, 0];
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const at = 4 * (y * width + x), alpha = data[at + 3];
        for (let i = 0; i < 3; i++) sums[i] += data[at + i] * alpha;
        sums[3] += alpha;
      }
    }
    const opaque = sums[3] / ((right - left) * (bottom - top) * 255);
    return opaque < 0.01 ? null : { rgb: sums.slice(0, 3).map((sum) => sum / sums[3]), opaque };
  };

  const linesOf = (image) => {
    const { width, height } = image;
    const columns = clamp(width, MOST.columns), rows = clamp(height, MOST.rows);
    const edge = (i, count, side) => Math.floor((i * side) / count);
    return Array.from({ length: rows }, (_, row) => {
      const means = Array.from({ length: columns }, (_, column) =>
        meanOf(image, edge(column, columns, width), edge(row, rows, height),
          edge(column + 1, columns, width), edge(row + 1, rows, height)));
      return [lightOf, ({ rgb }) => hueOf(rgb)].map((of) => means.map((m) => (m ? of(m) : " ")).join("")).join(" | ");
    });
  };

  const reduced = (canvas) => {
    const { width, height } = canvas;
    if (width * height === 0) return null;
    const image = canvas.getContext("2d").getImageData(0, 0, width, height);
    return [`${width}×${height}`, ...linesOf(image)];
  };
  return Object.fromEntries([...document.querySelectorAll(".exhibit")].map((state) =>
    [state.id, [...state.querySelectorAll("canvas")].map(reduced).filter(Boolean)]));
}
