/** The stored examples in which the selected channel is largest, each cropped to what that place sees. */
import { batch } from "@preact/signals";
import type { LayerView } from "../../data/answers";
import { RGB } from "../../data/channels";
import type { Pixel } from "../../data/choices";
import type { Largest } from "../../data/classifier";
import { type Part, seenBy } from "../../data/facts";
import { formatValue } from "../../render/format";
import { sourceOf } from "../../render/planes";
import { formOf } from "../../render/sample";
import { markPixel, selectExample } from "../../state/actions";
import { firingKey } from "../../state/answer";
import { type Store, useStore } from "../../state/store";
import { Trouble } from "../Guard";
import { cellMark } from "../grid/marks";
import { fieldsOf } from "./InputPicture";
import { Sample } from "./Sample";

const SHOWN = 4;
const SIZE = 32;
/** A crop shows so many pixels at least. */
const LEAST = 5;

export function Firing() {
  const store = useStore();
  const [view, found, reason] = [store.view.value, store.firing.value, store.failures.value.firing];
  const position = store.channel.value ?? 0;
  if (reason !== undefined) return <Trouble text={`No largest examples: ${reason}`} />;
  if (!view || view.kind === "attribution" || position === RGB) return null;
  const same = found?.run === view.run && found.tag === view.tag;
  const top = same ? found.top.slice(0, SHOWN) : [];
  const { kind } = cellMark(sourceOf(view), store.statsAt.value, view, position);
  const unfired =
    kind === "dead" || top.every(({ value, nonfinite }) => value === 0 && nonfinite === 0);
  const reach = Math.max(...top.map(({ value }) => Math.abs(value ?? 0)));
  return (
    <div
      class="firing"
      role="group"
      aria-label="Examples that fire it most"
      aria-busy={found?.key !== firingKey(view, position)}
    >
      {unfired && top.length > 0 && (
        <span class="muted" style="grid-column:1/-1;font-size:11px">
          {kind === "dead" ? "Never fired" : "Fired by no stored example"}
        </span>
      )}
      {(unfired ? [] : top).map((one) => {
        const pixel = pixelOf(view, one);
        const value =
          one.value === null ? "NaN" : formatValue(one.value, reach, view.info.whole ? 0 : 3);
        const said = `Example ${one.example}: ${value}${placeText(one)}${
          one.nonfinite > 0 ? `; ${one.nonfinite} NaN or infinite are left aside` : ""
        }`;
        return (
          <button
            key={one.example}
            type="button"
            aria-label={said}
            title={said}
            aria-pressed={one.position === view.example}
            onClick={() => goTo(store, one.position, pixel)}
          >
            <Crop view={view} one={one} pixel={pixel} />
            {value}
            {one.nonfinite > 0 && "*"}
          </button>
        );
      })}
    </div>
  );
}

function placeText({ place }: Largest): string {
  const [x, y, z] = place?.toReversed() ?? [];
  if (x === undefined) return "";
  if (y === undefined) return ` at ${x}`;
  return ` at x ${x}, y ${y}${z === undefined ? "" : `, slice ${z}`}`;
}

function goTo(store: Store, example: number, pixel: Pixel | null): void {
  batch(() => {
    selectExample(store, example);
    markPixel(store, pixel);
    if (pixel && store.view.peek()!.spatial.length > 2) store.depthWish.value = pixel.z;
  });
}

/** Where the planes of the view have the value. */
function pixelOf({ spatial, info }: LayerView, { place, position }: Largest): Pixel | null {
  if (!place) return null;
  if (place.length === 0 || spatial.length < place.length) return { x: position, y: 0, z: 0 };
  const [x = 0, y = 0, z = 0] = place.toReversed();
  return { x, y, z: info.shape.length === 5 ? z : 0 };
}

interface CropProps {
  readonly view: LayerView;
  readonly one: Largest;
  readonly pixel: Pixel | null;
}

/** The part of the input that the place sees; all of it where that is not known. */
function Crop({ view, one, pixel }: CropProps) {
  const store = useStore();
  const input = store.input.value;
  const source = input?.sources[input.info.examples.indexOf(one.example)];
  if (!input || !source) return <span class="crop" data-example={one.example} />;
  const { width, height } = source.stack;
  const [y, x] = fieldsOf(view, input.tag, store.facts.value) ?? [];
  if (!pixel || !x || !y || formOf(source.stack) !== "picture") {
    return (
      <span class="crop">
        <Sample source={source} size={SIZE} label={null} />
      </span>
    );
  }
  const [across, down] = [seenBy(x, pixel.x, width), seenBy(y, pixel.y, height)];
  const pixels = ({ from, to }: Part, of: number) => (to - from) * of;
  const side = Math.min(
    Math.max(pixels(across, width), pixels(down, height), LEAST),
    Math.max(width, height),
  );
  const start = ({ from, to }: Part, of: number) =>
    Math.max(0, Math.min(((from + to) / 2) * of - side / 2, of - side));
  const [left, top, zoom] = [start(across, width), start(down, height), SIZE / side];
  return (
    <span class="crop">
      <span class="zoom" style={{ transform: `scale(${zoom}) translate(${-left}px, ${-top}px)` }}>
        <Sample source={source} size={Math.max(width, height)} label={null} />
      </span>
    </span>
  );
}
