/** The choice of colormap, and what is rarely moved: gamma, inversion, counts, clipped values. */
import { useComputed, useSignal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import { holdsColours } from "../../data/channels";
import { COLORMAPS, type ColormapName } from "../../data/choices";
import { setWindow } from "../../state/actions";
import { useStore } from "../../state/store";
import { Checkbox, Select, Slider } from "../controls";

const MAP_NAMES: Record<ColormapName, string> = {
  viridis: "Viridis",
  grey: "Grey",
  RdBu: "Red–blue",
  inferno: "Inferno",
  magma: "Magma",
  colour: "Colour (RGB)",
};

export function Colormap() {
  const store = useStore();
  const open = useSignal(false);
  const chosen = useComputed(() => store.window.value.colormap).value;
  const inForce = useComputed(() => store.shown.value?.colormap ?? "viridis").value;
  const signed = useComputed(() => store.shown.value?.signed ?? false).value;
  const rgb = useComputed(
    () => store.view.value?.kind === "input" && holdsColours(store.view.value),
  ).value;
  const maps = COLORMAPS.filter((name) => name !== "colour" || rgb);
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const close = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open.peek()) return;
    event.stopPropagation();
    open.value = false;
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what is open, from any control in it
    <div onKeyDown={close}>
      <div class="pair">
        <Select
          label="Colormap"
          shown
          disabled={signed}
          value={signed ? "" : (chosen ?? "")}
          choices={[
            { value: "", text: signed ? "Blue–white–red" : `Auto: ${MAP_NAMES[inForce]}` },
            ...maps.map((name) => ({ value: name, text: MAP_NAMES[name] })),
          ]}
          onChange={(name) => {
            setWindow(store, { colormap: maps.find((map) => map === name) ?? null });
          }}
        />
        <button
          ref={button}
          type="button"
          class="button more"
          aria-expanded={open.value}
          aria-controls={id}
          onClick={() => {
            open.value = !open.value;
          }}
        >
          More
        </button>
      </div>
      <div id={id} class="rarely" hidden={!open.value}>
        {open.value && <More />}
      </div>
    </div>
  );
}

function More() {
  const store = useStore();
  const gamma = useComputed(() => store.window.value.gamma);
  const { invert, linearCounts, log, markClipped } = store.window.value;
  return (
    <>
      <Slider
        label="Gamma"
        min={0.1}
        max={3}
        step={0.01}
        value={gamma}
        initial={1}
        format={(value) => value.toFixed(2)}
        onInput={(next) => setWindow(store, { gamma: next })}
      />
      <div class="checks">
        <Checkbox
          label="Invert"
          checked={invert}
          onChange={(on) => setWindow(store, { invert: on })}
        />
        <Checkbox
          label="Linear counts"
          title="Histogram heights by plain counts, not their logarithm"
          checked={linearCounts}
          onChange={(on) => setWindow(store, { linearCounts: on })}
        />
        <Checkbox
          label="Log scale"
          title="Colours by the logarithm, over six decades at most; where no value is below zero"
          checked={log}
          onChange={(on) => setWindow(store, { log: on })}
        />
        <Checkbox
          label="Mark clipped"
          title="Colours for values below and above the limits (o)"
          checked={markClipped}
          onChange={(on) => setWindow(store, { markClipped: on })}
        />
      </div>
    </>
  );
}
