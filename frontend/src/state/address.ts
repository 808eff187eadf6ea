/** The state as keys of the address, and back: what stands at its default has no key. */
import { batch, effect } from "@preact/signals";
import { STAT_NAMES } from "../data/answers";
import { channelId, RGB } from "../data/channels";
import {
  COMPARE_MODES,
  DEFAULT_WINDOW,
  EXTRAS,
  FORMS,
  type Pins,
  POOLS,
  SHOW_KEYS,
  SORT_KEYS,
  type Span,
  type Viewport,
  type WindowState,
} from "../data/choices";
import { DEFAULT_MAPS, FOLDS, type MapChoice } from "../data/maps";
import type { Address, AddressKeys } from "../host/address";
import { CHIPS } from "./layerFilter";
import { DEFAULT_TRIAGE, LAYER_ORDERS } from "./signals";
import type { Store } from "./store";

/** What a link restores. */
export function keysOf(store: Store): AddressKeys {
  const { window, triage } = store;
  const pixel = store.pixelWish.value;
  const [zoom, axis] = [store.zoom.value, store.axis.value];
  const keys: Record<string, string | null> = {
    run: store.run.value,
    layer: store.layer.value,
    step: store.step.value === null ? null : String(store.step.value),
    example: store.example.value === 0 ? null : String(store.example.value),
    pool: store.pool.value,
    channel: channelText(channelKey(store)),
    pixel: pixel && `${pixel.x},${pixel.y}`,
    depth: store.depthWish.value === null ? null : String(store.depthWish.value),
    sort: triage.value.sortBy,
    show: triage.value.show === DEFAULT_TRIAGE.show ? null : triage.value.show,
    search: triage.value.search || null,
    size: store.tileSize.value === null ? null : String(store.tileSize.value),
    pins: changedText(store.pins.value, {}),
    form: store.form.value,
    compare: store.compare.value?.target ?? null,
    mode: store.compare.value?.mode ?? null,
    order: store.layerOrder.value === "model" ? null : store.layerOrder.value,
    find: store.layerFilter.value.search || null,
    only: store.layerFilter.value.only.join() || null,
    chart: store.chart.value === "max" ? null : store.chart.value,
    zoom: zoom && numbersText([zoom.x, zoom.y, zoom.width, zoom.height], 5),
    axis: axis && numbersText([axis.lo, axis.hi], 9),
    overlay: store.overlay.value ? "1" : null,
    maps: changedText(store.maps.value, DEFAULT_MAPS),
    window: changedText(window.value, DEFAULT_WINDOW),
  };
  const set = Object.entries(keys).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(set);
}

/** The id of the channel wished for, or of the one that stands in its place. */
function channelKey(store: Store): number | null {
  const [wish, view, channel] = [store.channelWish.value, store.view.value, store.channel.value];
  if (!wish) return null;
  return view && channel !== null ? channelId(view.info, channel) : wish.id;
}

/** As "3.5,4,14,14", short enough for an address. */
function numbersText(numbers: readonly number[], digits: number): string {
  return numbers.map((n) => Number(n.toPrecision(digits))).join();
}

function numbersFrom(text: string | undefined, count: number): readonly number[] | null {
  const numbers = (text ?? "").split(",").map((part) => (part === "" ? Number.NaN : Number(part)));
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

function zoomFrom(text: string | undefined): Viewport | null {
  const [x, y, width, height] = numbersFrom(text, 4) ?? [0, 0, 0, 0];
  return x! >= 0 && y! >= 0 && width! > 0 && height! > 0
    ? { x: x!, y: y!, width: width!, height: height! }
    : null;
}

function axisFrom(text: string | undefined): Span | null {
  const [lo, hi] = numbersFrom(text, 2) ?? [0, 0];
  return lo! < hi! ? { lo: lo!, hi: hi! } : null;
}

function channelText(channel: number | null): string | null {
  if (channel === null) return null;
  return channel === RGB ? "rgb" : String(channel);
}

/** What differs from the defaults. */
function changedText<T extends object>(choice: T, initial: T): string | null {
  const changed = Object.entries(choice).filter(
    ([key, value]) => String(value) !== String(initial[key as keyof T]),
  );
  return changed.length > 0 ? JSON.stringify(Object.fromEntries(changed)) : null;
}

/** Puts what an address says into the store; what makes no sense is left out. */
export function restore(store: Store, keys: AddressKeys): void {
  const whole = (key: string) => (/^-?\d+$/.test(keys[key] ?? "") ? Number(keys[key]) : null);
  const oneOf = <T extends string>(key: string, choices: readonly T[]) =>
    choices.find((choice) => choice === keys[key]) ?? null;
  batch(() => {
    store.run.value = keys.run ?? null;
    store.layer.value = keys.layer ?? null;
    store.step.value = whole("step");
    store.follow.value = store.step.value === null;
    store.example.value = whole("example") ?? 0;
    store.pool.value = oneOf("pool", POOLS);
    const id = keys.channel === "rgb" ? RGB : whole("channel");
    store.channelWish.value = id === null ? null : { id, layer: null };
    store.depthWish.value = whole("depth");
    const [x, y] = (keys.pixel ?? "").split(",").map(Number);
    store.pixelWish.value = keys.pixel && x! >= 0 && y! >= 0 ? { x: x!, y: y!, z: 0 } : null;
    store.triage.value = {
      sortBy: oneOf("sort", SORT_KEYS),
      show: oneOf("show", SHOW_KEYS) ?? "all",
      search: keys.search ?? "",
    };
    store.pins.value = pinsFrom(keys.pins);
    store.tileSize.value = whole("size");
    store.form.value = oneOf("form", FORMS);
    store.layerOrder.value = oneOf("order", LAYER_ORDERS) ?? "model";
    const mode = oneOf("mode", COMPARE_MODES) ?? "beside";
    store.compare.value = keys.compare ? { target: keys.compare, mode } : null;
    const only = (keys.only ?? "").split(",");
    store.layerFilter.value = {
      search: keys.find ?? "",
      only: CHIPS.filter((chip) => only.includes(chip)),
    };
    store.chart.value = oneOf("chart", [...STAT_NAMES, ...EXTRAS]) ?? "max";
    store.zoom.value = zoomFrom(keys.zoom);
    store.axis.value = axisFrom(keys.axis);
    store.overlay.value = keys.overlay === "1";
    store.maps.value = mapsFrom(keys.maps);
    store.window.value = windowFrom(keys.window);
  });
}

function windowFrom(text: string | undefined): WindowState {
  return choiceFrom(text, DEFAULT_WINDOW, (key, value) => {
    const initial = DEFAULT_WINDOW[key as keyof WindowState];
    const same = typeof value === typeof initial && Array.isArray(value) === Array.isArray(initial);
    return same || (key === "colormap" && typeof value === "string");
  });
}

function pinsFrom(text: string | undefined): Pins {
  const ids = (value: unknown) =>
    Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0);
  try {
    const read = Object.entries(JSON.parse(text ?? "{}") as Pins);
    return Object.fromEntries(read.filter(([, value]) => ids(value)));
  } catch {
    return {};
  }
}

function mapsFrom(text: string | undefined): MapChoice {
  return choiceFrom(text, DEFAULT_MAPS, (key, value) => {
    if (key === "fold") return FOLDS.some((fold) => fold === value);
    if (key === "opacity") return typeof value === "number" && value >= 0 && value <= 1;
    return typeof value === (key === "smooth" ? "boolean" : "string");
  });
}

/** A choice as a link has it; what makes no sense stays as it is by default. */
function choiceFrom<T extends object>(
  text: string | undefined,
  initial: T,
  makesSense: (key: string, value: unknown) => boolean,
): T {
  if (!text) return initial;
  try {
    const read = Object.entries(JSON.parse(text) as Record<string, unknown>);
    const known = read.filter(([key, value]) => key in initial && makesSense(key, value));
    return { ...initial, ...Object.fromEntries(known) };
  } catch {
    return initial;
  }
}

export function keepAddress(store: Store, address: Address): void {
  restore(store, address.read());
  effect(() => address.write(keysOf(store)));
  address.onReturn((keys) => restore(store, keys));
}
