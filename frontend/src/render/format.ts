/** Numbers as text, with decimals that follow the range they stand in. */
import type { Span } from "../data/choices";

const LARGE = 1e6;
const SMALL = 1e-4;

/**
 * A value to `digits` digits of the range's own magnitude: 0.43214 in a range of 3 is 0.4321.
 * Ranges from a million up, or under 1e-4, take exponents. NaN and ±Inf are words, and `zero`
 * is how zero is written. To 0 digits a whole number is written as one, however large.
 */
export function formatValue(value: number, range: number, digits = 5, zero = "0"): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return zero;
  if (digits === 0) return Number.isInteger(value) ? String(value) : formatValue(value, range, 4);
  const width = range > 0 && Number.isFinite(range) ? range : Math.abs(value);
  if (width >= LARGE || width < SMALL) return value.toExponential(digits - 1);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(width)));
  const text = value.toFixed(decimals);
  // A value far under the range would read as zero; it is not one.
  return Number(text) === 0 ? value.toExponential(Math.max(0, digits - 3)) : text;
}

/** As `formatValue`, for a crowd of numbers: all with the same decimals, only zero itself as 0. */
export function formatCell(value: number, range: number, digits: number, zero = "0"): string {
  const plain = range >= SMALL && range < LARGE;
  if (!Number.isFinite(value) || value === 0 || digits === 0 || !plain) {
    return formatValue(value, range, digits, zero);
  }
  const text = value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(range))));
  if (Number(text) !== 0) return text;
  // Nothing but zeros says less than its magnitude, where there is room for that.
  if (digits > 3 && text.includes(".")) return value.toExponential(0);
  return text.includes(".") ? text.replace("-", "") : `${text}.`;
}

/** Both ends to four digits of the larger magnitude, or more where a narrow window needs them. */
export function formatSpan({ lo, hi }: Span, whole = false): [string, string] {
  const reach = Math.max(Math.abs(lo), Math.abs(hi));
  const width = hi - lo;
  const extra = width > 0 ? Math.max(0, Math.floor(Math.log10(reach / width))) : 0;
  const digits = whole ? 0 : Math.min(13, 4 + extra);
  return [formatValue(lo, reach, digits), formatValue(hi, reach, digits)];
}

/** A share of one as per cent: 0, 0.4 %, 31 %; never 0 or 100 where it is not. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return "–";
  if (share > 0 && share < 0.001) return "< 0.1 %";
  if (share > 0.99 && share < 1) return "> 99 %";
  const percent = share * 100;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1).replace(/\.0$/, "") : Math.round(percent)} %`;
}

/** As "0.42 s" or "38 ms". */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.1) return `${formatValue(seconds * 1e3, 0, 2)} ms`;
  return `${formatValue(seconds, 0, seconds < 10 ? 2 : 3)} s`;
}

/** In units of a thousand, as "2.3 MB". */
export function formatBytes(bytes: number): string {
  const thousands = bytes > 0 ? Math.min(3, Math.floor(Math.log10(bytes) / 3)) : 0;
  const unit = ["B", "kB", "MB", "GB"][thousands];
  const value = bytes / 1000 ** thousands;
  return `${value >= 10 || thousands === 0 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}
