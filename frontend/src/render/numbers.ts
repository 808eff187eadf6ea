/** Values written into pixels that are large enough, black or white by what is under them. */

export const NUMBER_FONT = 'Roboto, "Helvetica Neue", Arial, sans-serif';

function isLight(word: number): boolean {
  const [r, g, b] = [word & 255, (word >> 8) & 255, (word >> 16) & 255];
  return 0.299 * r + 0.587 * g + 0.114 * b > 140;
}

/** Digits and size of the text for a pixel so many CSS pixels wide. */
export function numberStyle(side: number): { digits: number; font: string } {
  const digits = side >= 44 ? 4 : side >= 34 ? 3 : 2;
  const size = Math.min(12, Math.max(8, Math.round(side / 3.2)));
  return { digits, font: `${size}px ${NUMBER_FONT}` };
}

/** Writes a text in the middle of a pixel of the given colour, squeezed where it is too long. */
export function writeNumber(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  side: number,
  word: number,
): void {
  context.fillStyle = isLight(word) ? "#000" : "#fff";
  context.fillText(text, x, y, side - 2);
}
