/**
 * The layer that was opened while the log was still being read. What is wrong with a run may only be
 * known at its end: as long as nobody has touched the page, the choice is made again then.
 */
import type { Overview } from "../data/answers";
import type { Store } from "../state/store";

export class Provisional {
  private layer: string | null = null;

  /** The layer wished for; null where there is none but this one. */
  wish(store: Store): string | null {
    const layer = store.layer.peek();
    return layer === this.layer && isUntouched(store) ? null : layer;
  }

  /** Keeps what was chosen from an overview (null: there is none). */
  keep(layer: string | null, overview: Overview | null): void {
    this.layer = overview?.complete === false ? layer : null;
  }
}

function isUntouched({ step, channelWish, pixelWish, compare, follow }: Store): boolean {
  const wishes = [step, channelWish, pixelWish, compare];
  return follow.peek() && wishes.every((wish) => wish.peek() === null);
}
