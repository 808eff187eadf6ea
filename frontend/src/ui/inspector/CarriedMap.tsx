/** Beside a channel of a layer: where it adds to the score of the shown example's target, and how much. */
import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { isDense } from "../../data/view";
import { formatValue } from "../../render/format";
import { reachesOf } from "../../render/reach";
import { shownMaps } from "../../render/shown";
import { paintCanvas } from "../../render/strip";
import { selectLayer } from "../../state/actions";
import { carriedFor, sumsAt } from "../../state/carried";
import { usePaint } from "../../state/paint";
import { useSelected } from "../../state/selected";
import { useStore } from "../../state/store";
import { reduction } from "./picture";
import { thumbSize } from "./viewport";

const SIDE = 72;
const PLAIN = { fold: "signed", smooth: false, against: null } as const;

export function CarriedMap() {
  const store = useStore();
  const selected = useSelected(store);
  const canvas = useRef<HTMLCanvasElement>(null);
  const found = useComputed(() => {
    const view = store.view.value;
    const carried = carriedFor(store.carried.value, view);
    const id = selected.value?.id ?? -1;
    const sum = view && sumsAt(carried, view)?.[id];
    return carried && typeof sum === "number" ? { carried, id, sum } : null;
  });
  usePaint(() => {
    const element = canvas.current;
    const at = found.value;
    if (!element || !at || isDense(at.carried.view.info)) return;
    const { view } = at.carried;
    const { lut, source, table } = shownMaps({
      view,
      depth: Math.min(store.depth.value, (view.spatial.at(-3) ?? 1) - 1),
      window: { ...store.window.value, limits: "auto", range: "layer", contrast: 0 },
      shaping: () => PLAIN,
      reach: reachesOf([view], [null])[0]!,
    });
    const { width, height } = source.stack;
    const css = thumbSize(width, height, SIDE);
    element.style.width = `${css.width}px`;
    element.style.height = `${css.height}px`;
    const reduce = reduction(width, height, Math.max(css.width, css.height));
    paintCanvas(element, source, at.id, table.affine(at.id), lut, reduce);
  }, [found, selected]);
  if (!found.value) return null;
  const { carried, id, sum } = found.value;
  const { target, method, tag, view } = carried;
  const amount = formatValue(Math.abs(sum), Math.abs(sum), 3);
  const said = `channel ${id} ${sum < 0 ? `takes ${amount} from` : `adds ${amount} to`} ${target}`;
  return (
    <button
      type="button"
      class="carried"
      aria-label={`Attribution: ${said}`}
      title={`${said}, by ${method}. A click opens it`}
      onClick={() => selectLayer(store, tag)}
    >
      {isDense(view.info) ? method : <canvas ref={canvas} aria-hidden="true" />}
    </button>
  );
}
