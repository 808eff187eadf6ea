/** What is said of an attribution map: its sums, and the value under the cursor with its share. */
import type { LayerView } from "../data/answers";
import type { Pixel } from "../data/choices";
import type { Sum } from "../data/scores";
import { holdsMaps, isDense } from "../data/view";
import { formatShare, formatValue } from "../render/format";
import { cellOf, contrasted, isCoarse } from "../render/maps";
import { sourceOf } from "../render/planes";
import { channelName, shapingOf, sumShown } from "./attributed";
import type { State } from "./signals";

type Said = Pick<State, "scores" | "maps" | "facts">;

/** As "score 5.02, 98 %". */
export function sumText({ score, probability }: Sum, output: string): string {
  if (score === null) return "";
  const name = output === "logit" ? "score" : output;
  const said = `${name} ${formatValue(score, Math.abs(score), 3)}`;
  return probability === null || output === "probability"
    ? said
    : `${said}, ${formatShare(probability)}`;
}

/** The true value at a place of a map as it is shown, whatever becomes of its sign. */
export function valueAt(
  state: Said,
  view: LayerView,
  depth: number,
  position: number,
  { x, y }: Pick<Pixel, "x" | "y">,
): number {
  const cut = contrasted(view, shapingOf(state, view).against);
  const cell = holdsMaps(view.info) ? cellOf(view, x, y) : { x, y };
  return sourceOf(cut, depth).value(position, cell.x, cell.y);
}

/** As "0.012, 3 % of the score"; the share is said of methods alone whose values add up to it. */
export function valueText(
  state: Said,
  view: LayerView,
  position: number,
  value: number,
  reach: number,
): string {
  const number = formatValue(value, reach, 4);
  const share = shareOf(state, view, position, value);
  return share === null ? number : `${number}, ${share} of the score`;
}

function shareOf(state: Said, view: LayerView, position: number, value: number): string | null {
  const { whole } = sumShown(state, view, Math.floor(position / (view.info.explained?.parts ?? 1)));
  if (whole === null || whole === 0 || !Number.isFinite(value)) return null;
  const share = value / whole;
  return `${share < 0 ? "−" : ""}${formatShare(Math.abs(share))}`;
}

/** Where a value is, as "example 3, class 7, x 12, y 3"; of a coarse map its cell. */
export function placeText(state: Said, view: LayerView, position: number, pixel: Pixel): string {
  const name = channelName(state, view, position);
  const example = `example ${view.info.examples[view.example]}`;
  if (isDense(view.info)) return `${example}, ${name}`;
  if (view.spatial.length === 1) return `${example}, ${name}, position ${pixel.x}`;
  if (!isCoarse(view)) return `${example}, ${name}, x ${pixel.x}, y ${pixel.y}`;
  const { x, y } = cellOf(view, pixel.x, pixel.y);
  const [h, w] = view.spatial.slice(-2);
  return `${example}, ${name}, cell x ${x}, y ${y} of ${w}×${h}`;
}

/** The method with its options, in one line. */
export function methodText(view: LayerView): string {
  const { explained } = view.info;
  if (!explained) return "";
  const { method, parameters, of, layer, baseline } = explained;
  const options = Object.entries(parameters)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${optionText(value)}`);
  if (baseline !== null) options.push(`baseline ${baseline}`);
  const where = layer !== null && layer !== of ? ` at ${layer}` : "";
  return [`${method} of ${of}${where}`, ...options].join(", ");
}

function optionText(value: unknown): string {
  return Array.isArray(value) ? value.join(" ") : String(value);
}
