/** Layers × steps in one picture, where the list is longer than the screen; what its colours stand for. */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { LayerOverview, Overview } from "../../data/answers";
import { buildLut, cssGradient, marksOf } from "../../render/colormap";
import { formatShare } from "../../render/format";
import { selectLayer } from "../../state/actions";
import { columnAt } from "../../state/choose";
import { usePaint } from "../../state/paint";
import { type Store, useStore } from "../../state/store";
import { bucketRows, nearestColumn, paintStrips, stripScale } from "./strips";

const HEIGHT = 160;

/** As "conv4_block2_out, step 3: rms 0.8, 2 % dead", of the nearest column that has one. */
export function columnText({ tag, columns, channels }: LayerOverview, at: number): string {
  const health = columns[nearestColumn(columns, at)];
  if (!health) return tag;
  const { step, rms, dead, constant, nonfinite } = health;
  const parts = [
    rms !== null && `rms ${Number(rms.toPrecision(2))}`,
    nonfinite > 0 && `${nonfinite} of ${channels} channels non-finite`,
    dead > 0 && `${formatShare(dead / channels)} dead`,
    constant > 0 && `${constant} constant`,
  ];
  return `${tag}, step ${step}: ${parts.filter(Boolean).join(", ")}`;
}

/** Says in the status line what the pointer is on. */
export function hinting(store: Store, textAt: (event: PointerEvent) => string) {
  return {
    onPointerMove: (event: PointerEvent) => {
      const text = textAt(event);
      store.hint.value = { text, byKeyboard: false };
      (event.currentTarget as HTMLElement).title = text;
    },
    onPointerLeave: () => {
      store.hint.value = null;
    },
  };
}

/** How far along an element a pointer is, 0 to 1, from the left and from the top. */
export function shareOf(event: MouseEvent): readonly [number, number] {
  const box = (event.currentTarget as Element).getBoundingClientRect();
  const share = (at: number, from: number, size: number) =>
    Math.min(1 - 1e-9, Math.max(0, (at - from) / size));
  return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
}

export function NetworkMap({ overview }: { readonly overview: Overview }) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const here = useRef<HTMLElement>(null);
  const layers = [...overview.layers.values()].filter(({ kind }) => kind !== "attribution");
  const { length: count } = overview.columns;
  const height = Math.min(HEIGHT, Math.max(48, layers.length));
  useLayoutEffect(() => {
    const rows = layers.map((layer) => layer.columns);
    if (!canvas.current) return;
    paintStrips(canvas.current, bucketRows(rows, HEIGHT), stripScale(overview));
  }, [overview]);
  useEffect(() => {
    return () => {
      store.hint.value = null;
    };
  }, [store]);
  const place = () => {
    const { layer, step } = store;
    const row = layers.findIndex(({ tag }) => tag === layer.value);
    return { row, column: step.value === null ? count - 1 : columnAt(overview, step.value) };
  };
  usePaint(() => {
    const { row, column } = place();
    if (!here.current) return;
    here.current.hidden = row < 0 || column < 0;
    here.current.style.top = `${(100 * (row + 0.5)) / layers.length}%`;
    here.current.style.left = `${(100 * (column + 0.5)) / count}%`;
  }, [overview]);
  const cellAt = (event: MouseEvent) => {
    const [x, y] = shareOf(event);
    return [layers[Math.floor(y * layers.length)], Math.floor(x * count)] as const;
  };
  const go = (layer: LayerOverview | undefined, at: number) => {
    const column = layer ? nearestColumn(layer.columns, at) : -1;
    if (layer) selectLayer(store, layer.tag, layer.columns[column]?.step);
  };
  const onKey = (event: KeyboardEvent) => {
    const { row, column } = place();
    const moves: Record<string, readonly [number, number]> = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, count - 1],
    };
    const to = moves[event.key];
    if (!to || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const layer = layers[Math.min(layers.length - 1, Math.max(0, to[0]))];
    const at = Math.min(count - 1, Math.max(0, to[1]));
    // Up and down keep the step, as it was chosen.
    if (layer && to[1] === column) selectLayer(store, layer.tag);
    else go(layer, at);
    if (layer) store.hint.value = { text: columnText(layer, at), byKeyboard: true };
  };
  return (
    <div class="section map">
      <div>
        <canvas
          ref={canvas}
          role="img"
          aria-label="Network map"
          aria-description="Layers from top to bottom, steps from left to right; arrows move in it"
          style={`height:${height}px`}
          tabIndex={0}
          onKeyDown={onKey}
          onBlur={() => {
            store.hint.value = null;
          }}
          onClick={(event) => go(...cellAt(event))}
          {...hinting(store, (event) => {
            const [layer, at] = cellAt(event);
            return layer ? columnText(layer, at) : "";
          })}
        />
        <i ref={here} class="here" />
      </div>
    </div>
  );
}

/** What the colours of map and strips stand for. */
export function StripLegend({ overview }: { readonly overview: Overview }) {
  const { low, high } = stripScale(overview);
  const text = (log: number) => String(Number((10 ** log).toPrecision(2)));
  const lut = buildLut({ colormap: "viridis", gamma: 1, invert: false, clipped: false });
  return (
    <div class="striplegend" role="note" aria-label="Colours of the strips">
      <span>rms {text(low)}</span>
      <i style={`background:${cssGradient(lut)}`} />
      <span>{text(high)}</span>
      <i class="mark" style={`background:${marksOf("viridis").nan}`} />
      <span>non-finite</span>
    </div>
  );
}
