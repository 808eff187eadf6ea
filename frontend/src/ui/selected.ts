/** The channel that the right column is about. */
import { computed, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Shown } from "../render/shown";
import type { Affine, Span } from "../render/window";
import type { Store } from "../state/store";

export interface Selected {
  readonly shown: Shown;
  readonly position: number;
  /** Id in the layer. */
  readonly id: number;
  readonly limits: Span;
  readonly affine: Affine;
}

/** The selected channel, else the first in order; null while there is nothing to show. */
export function selectedOf(store: Store): Selected | null {
  const shown = store.shown.value;
  if (!shown) return null;
  const { planes } = shown.source.stack;
  const wanted = store.channel.value ?? store.order.value[0] ?? 0;
  if (planes === 0) return null;
  const position = Math.min(Math.max(0, wanted), planes - 1);
  return {
    shown,
    position,
    id: shown.ids?.[position] ?? position,
    limits: shown.table.limits(position),
    affine: shown.table.affine(position),
  };
}

export function useSelected(store: Store): ReadonlySignal<Selected | null> {
  return useMemo(() => computed(() => selectedOf(store)), [store]);
}
