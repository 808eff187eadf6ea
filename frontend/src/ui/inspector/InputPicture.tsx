/** The input that belongs to what is shown, with a box around what the pixel under the cursor sees. */
import { useComputed } from "@preact/signals";
import type { LayerView } from "../../data/answers";
import { middleOf, type Part, type RunFacts, seenBy } from "../../data/facts";
import { holdsMaps } from "../../data/view";
import { inputShown } from "../../state/inputShown";
import { useStore } from "../../state/store";
import { Sample } from "./Sample";

/** `label` names the picture for a screen reader; null where it only repeats another one. */
export function InputPicture({ size, label }: { size: number; label: string | null }) {
  const store = useStore();
  const source = useComputed(() => inputShown(store)).value;
  if (!source) return null;
  return (
    <div class="input-picture">
      <Sample source={source} size={size} label={label} />
      <Patch />
    </div>
  );
}

/**
 * What of the input the marked pixel sees: its bounds, and its middle. Nothing where that is not known,
 * or is all of it.
 */
function Patch() {
  const store = useStore();
  const parts = useComputed(() => {
    const pixel = store.hover.value?.pixel ?? store.pixel.value;
    const [view, input] = [store.view.value, store.input.value];
    const stack = input?.sources[input.example]?.stack;
    const fields = view && input && fieldsOf(view, input.tag, store.facts.value);
    const [y, x] = fields ?? [];
    if (!pixel || !stack || !y || !x) return null;
    const box = (of: typeof seenBy) => [of(x, pixel.x, stack.width), of(y, pixel.y, stack.height)];
    return { bounds: styleOf(box(seenBy)), middle: styleOf(box(middleOf)) };
  }).value;
  return (
    parts && (
      <>
        <i class="patch" style={parts.bounds} />
        <i class="patch middle" style={parts.middle} />
      </>
    )
  );
}

const ITSELF = { start: 0, size: 1, stride: 1 } as const;

/** The fields of the rows and columns of a plane; of an input, each pixel sees itself. */
export function fieldsOf(view: LayerView, input: string, facts: RunFacts | null) {
  if (view.spatial.length < 2) return null;
  if (view.kind === "input") return view.tag === input ? [ITSELF, ITSELF] : null;
  if (holdsMaps(view.info)) return view.info.explained?.input === input ? [ITSELF, ITSELF] : null;
  const known = facts?.run === view.run ? facts : null;
  return known?.receptiveFields.get(input)?.get(view.tag)?.slice(-2) ?? null;
}

function styleOf([x, y]: readonly Part[]) {
  const percent = (share: number) => `${100 * share}%`;
  return {
    left: percent(x!.from),
    top: percent(y!.from),
    width: percent(x!.to - x!.from),
    height: percent(y!.to - y!.from),
  };
}
