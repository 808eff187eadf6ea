/** Attention over the input in a strip: the picture, and over it what one query looks at. */
import { buildLut, type Lut } from "../../render/colormap";
import { greyPicture } from "../../render/overlay";
import { paintPatches } from "../../render/paintPatches";
import type { TileSource } from "../../render/planes";
import type { RowStrip } from "../../render/strip";
import { type Affine, affineOf } from "../../render/window";
import type { Patches } from "../../state/patches";

const GREY = buildLut({ colormap: "grey", gamma: 1, invert: false, clipped: false });

/** The patches, and the position of the one that looks. */
export interface Look extends Patches {
  readonly query: number;
}

interface Scores {
  readonly source: TileSource;
  readonly plane: number;
  readonly affine: Affine;
  readonly lut: Lut;
  readonly diverging: boolean;
}

/** Paints the tile at `index` of a strip. */
export function lookOver(strip: RowStrip, index: number, look: Look, of: Scores): void {
  const { picture, skipped, query } = look;
  const under = greyPicture(picture);
  const { scale } = of.source.stack;
  const value = (patch: number) => of.source.value(of.plane, skipped + patch, query) / scale;
  strip.tile(index, under, 0, affineOf({ lo: 0, hi: 255 }, under.stack.scale), GREY);
  strip.tileBy(index, (on, left, geometry) => {
    paintPatches(on, left, geometry, { ...look, ...of, value });
  });
}
