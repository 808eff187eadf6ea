/** Channels by position and by id, and three of them together as one colour picture. */
import type { LayerView, StepInfo } from "./answers";

/** Stands where the position of a channel does: three channels together, as one colour picture. */
export const RGB = -1;

/** The planes that a position stands for. */
export function planesOf(position: number): readonly number[] {
  return position === RGB ? [0, 1, 2] : [position];
}

/** Whether three channels are a colour picture: they have two sides at least. */
export function holdsColours({ info, channels, spatial }: LayerView): boolean {
  return channels === 3 && info.channels === 3 && spatial.length >= 2;
}

/** The id in the layer of the channel stored at a position; RGB stays RGB. */
export function channelId(info: StepInfo, position: number): number {
  if (position === RGB) return RGB;
  return info.channelIds ? (info.channelIds[position] ?? position) : position;
}

/** Where the channel of an id stands among those stored; undefined where it is not. */
export function positionOf({ shape, channelIds }: StepInfo, id: number): number | undefined {
  const position = channelIds ? channelIds.indexOf(id) : id;
  return position >= 0 && position < (shape.at(-1) ?? 0) ? position : undefined;
}

/** Whether a view is of attention scores `[n, …, query, key, head]`, by the name they are logged under. */
export function isAttention({ tag, spatial }: Pick<LayerView, "tag" | "spatial">): boolean {
  return spatial.length >= 2 && /(^|\/)attention_scores(_\d+)?$/.test(tag);
}

/** How a sentence calls the channel of an id: of attention scores it is a head. */
export function nameOf(id: number, view?: Pick<LayerView, "tag" | "spatial"> | null): string {
  if (id === RGB) return "RGB";
  return `${view && isAttention(view) ? "head" : "channel"} ${id}`;
}
