/** The input that belongs to what is shown, with a box at the patch under the cursor. */
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { TileSource } from "../../render/planes";
import { useStore } from "../../state/store";
import { inputPicture, painted, reduction } from "./picture";
import { thumbSize } from "./viewport";

/** `label` names the picture for a screen reader; null where it only repeats another one. */
export function InputPicture({ size, label }: { size: number; label: string | null }) {
  const store = useStore();
  const source = useComputed(() => {
    const input = store.input.value;
    return input?.sources[input.example] ?? null;
  }).value;
  if (!source) return null;
  return (
    <div class="input-picture">
      <Picture source={source} size={size} label={label} />
      <Patch />
    </div>
  );
}

/** One example of an input, whole multiples of its size, within `size` px a side. */
function Picture(props: { source: TileSource; size: number; label: string | null }) {
  const { source, size, label } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const { width, height } = source.stack;
    const css = thumbSize(width, height, size);
    canvas.current.style.width = `${css.width}px`;
    canvas.current.style.height = `${css.height}px`;
    const pixels = Math.max(css.width, css.height) * (window.devicePixelRatio || 1);
    painted(canvas.current, inputPicture(source), reduction(width, height, pixels));
  }, [source, size]);
  return label === null ? (
    <canvas ref={canvas} aria-hidden="true" />
  ) : (
    <canvas ref={canvas} role="img" aria-label={label} />
  );
}

/** The part of the input at the place of the marked pixel; planes and inputs differ in size. */
function Patch() {
  const store = useStore();
  const place = useComputed(() => {
    const pixel = store.hover.value?.pixel ?? store.pixel.value;
    const stack = store.shown.value?.source.stack;
    if (!pixel || !stack || (store.view.value?.spatial.length ?? 0) < 2) return null;
    const percent = (part: number, all: number) => `${(100 * part) / all}%`;
    return {
      left: percent(pixel.x, stack.width),
      top: percent(pixel.y, stack.height),
      width: percent(1, stack.width),
      height: percent(1, stack.height),
    };
  });
  return place.value && <i class="patch" style={place.value} />;
}
