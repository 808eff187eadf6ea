/** The input that belongs to what is shown, with a box at the patch under the cursor. */
import { useComputed, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useStore } from "../../state/store";
import { inputPicture, painted, reduction } from "./picture";
import { enlargedSize } from "./viewport";

/** `label` names the picture for a screen reader; null where it only repeats another one. */
export function InputPicture({ size, label }: { size: number; label: string | null }) {
  const store = useStore();
  const canvas = useRef<HTMLCanvasElement>(null);
  const source = useComputed(() => {
    const input = store.input.value;
    return input?.sources[input.example] ?? null;
  });
  useSignalEffect(() => {
    if (!canvas.current || !source.value) return;
    const { width, height } = source.value.stack;
    const css = enlargedSize(width, height, size);
    canvas.current.style.width = `${css.width}px`;
    canvas.current.style.height = `${css.height}px`;
    const pixels = Math.max(css.width, css.height) * (window.devicePixelRatio || 1);
    painted(canvas.current, inputPicture(source.value), reduction(width, height, pixels));
  });
  if (!source.value) return null;
  return (
    <div class="input-picture">
      {label === null ? (
        <canvas ref={canvas} aria-hidden="true" />
      ) : (
        <canvas ref={canvas} role="img" aria-label={label} />
      )}
      <Patch />
    </div>
  );
}

/** The part of the input at the place of the marked pixel; planes and inputs differ in size. */
function Patch() {
  const store = useStore();
  const place = useComputed(() => {
    const pixel = store.hover.value?.pixel ?? store.pixel.value;
    const stack = store.shown.value?.source.stack;
    if (!pixel || !stack || stack.width * stack.height <= 1) return null;
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
