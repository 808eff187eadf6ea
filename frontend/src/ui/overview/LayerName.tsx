/** A layer's name as far as there is room: cut in the middle, what was searched for in bold. */
import { useMemo } from "preact/hooks";
import { cutOf, hitOf } from "./names";

interface LayerNameProps {
  readonly name: string;
  readonly search: string;
  /** CSS pixels. */
  readonly room: number;
}

export function LayerName({ name, search, room }: LayerNameProps) {
  const [cut, hit] = useMemo(() => {
    const found = hitOf(name, search);
    return [cutOf(name, room, found), found] as const;
  }, [name, search, room]);
  const part = (from: number, to: number) => {
    const [start, end] = hit.map((at) => Math.min(to, Math.max(from, at))) as [number, number];
    return (
      <>
        {name.slice(from, start)}
        {end > start && <b>{name.slice(start, end)}</b>}
        {name.slice(end, to)}
      </>
    );
  };
  return (
    <>
      <span class="visually-hidden">{name}</span>
      <bdi class="head" aria-hidden="true">
        {part(0, cut)}
      </bdi>
      <bdi class="end" aria-hidden="true">
        {part(cut, name.length)}
      </bdi>
    </>
  );
}
