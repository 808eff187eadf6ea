/** The channel that the right column is about, or the three of a colour picture. */
import { computed, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { nameOf } from "../data/channels";
import type { Span } from "../data/choices";
import { formatSpan } from "../render/format";
import type { Shown } from "../render/shown";
import type { Affine } from "../render/window";
import { channelName } from "./attributed";
import type { Store } from "./store";

export interface Selected {
  readonly shown: Shown;
  /** Position of a channel, or RGB. */
  readonly position: number;
  /** Id in the layer, or RGB. */
  readonly id: number;
  /** As "channel 7", or the class that an attribution explains. */
  readonly name: string;
  readonly limits: Span;
  /** The same as fields and histogram name them. */
  readonly named: Span;
  /** The one value of all that the limits are taken from; NaN: none is finite; null: they differ. */
  readonly only: number | null;
  readonly affine: Affine;
}

/** The selected channel, else the first in order; null while there is nothing to show. */
export function selectedOf(store: Store): Selected | null {
  const shown = store.shown.value;
  if (!shown) return null;
  const { planes } = shown.source.stack;
  if (planes === 0) return null;
  // Where the filter leaves none, the inspector still has one.
  const position = store.channel.value ?? 0;
  const id = shown.ids?.[position] ?? position;
  const view = store.view.value;
  return {
    shown,
    position,
    id,
    name: view ? channelName(store, view, position) : nameOf(id),
    limits: shown.table.limits(position),
    named: shown.table.named(position),
    only: shown.table.only(position),
    affine: shown.table.affine(position),
  };
}

/** Its limits, as fields and histogram name them. */
export function spanText({ named, shown }: Selected): [string, string] {
  return formatSpan(named, shown.source.stack.whole);
}

export function useSelected(store: Store): ReadonlySignal<Selected | null> {
  return useMemo(() => computed(() => selectedOf(store)), [store]);
}

/** How a heading calls it. */
export function headingOf(selected: Selected | null): string {
  const name = selected?.name ?? "";
  // A class is written as it is called.
  return /^(channel|head|class|target) /.test(name)
    ? name.charAt(0).toUpperCase() + name.slice(1)
    : name;
}
