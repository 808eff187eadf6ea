/** What speaks against believing a map: a word beside it, and the sentence for who hovers or listens. */
import type { LayerView } from "../data/answers";
import { checkKey } from "../data/facts";
import type { Sum } from "../data/scores";
import { formatShare } from "../render/format";
import type { State } from "./signals";

/** From these shares on a gap is called high, and very high. */
const [HIGH, VERY_HIGH] = [0.05, 0.2];

type Said = Pick<State, "facts" | "maps">;

/** How bad it is, 0 to 2: never told by colour alone. */
const KINDS = ["", "high", "veryhigh"] as const;
type Doubt = readonly [word: string, level: number, sentence: string];

/** All doubts of a map in one line, as bad as the worst of them. */
interface DoubtText {
  readonly text: string;
  readonly kind: (typeof KINDS)[number];
  readonly sentence: string;
}

/** Why the method of a view is not to be believed on this model; empty where nothing is known. */
export function failedCheck({ facts }: Pick<State, "facts">, { run, info }: LayerView): string {
  const [known, explained] = [facts.value, info.explained];
  if (known?.run !== run || !explained) return "";
  const { method, layer, parameters } = explained;
  const check = known.failed.get(checkKey(method, layer, parameters));
  if (!check) return "";
  const { step, likeness } = check;
  return `${method} fails the randomization check on this model (step ${step}): its maps of random weights are alike (${likeness.toFixed(2)}).`;
}

export function doubtText(state: Said, view: LayerView, target: number, sum: Sum): DoubtText {
  const doubts = [...doubtsOf(state, view, target, sum)];
  return {
    text: doubts.map(([word]) => word).join(", "),
    kind: KINDS[Math.max(0, ...doubts.map(([, level]) => level))]!,
    sentence: doubts.map(([, , sentence]) => sentence).join(" "),
  };
}

function* doubtsOf(
  state: Said,
  view: LayerView,
  target: number,
  { gap, error }: Sum,
): Generator<Doubt> {
  const failed = failedCheck(state, view);
  if (state.maps.value.against === null && isZero(view, target)) {
    yield [
      "all zero",
      2,
      "The score does not depend on what is explained, or no way to it is open.",
    ];
  } else if (gap !== null) {
    const share = formatShare(gap);
    const level = gap > VERY_HIGH ? 2 : gap > HIGH ? 1 : 0;
    const sentence = level ? `${share} of the score is not accounted for.` : "";
    yield [`gap ${share}${["", ", high", ", very high"][level]}`, level, sentence];
  }
  if (failed) yield ["fails check", 2, failed];
  if (error !== null && error > 1) {
    const times = error.toPrecision(2);
    yield ["mostly noise", 2, `The standard error is ${times} times the values.`];
  }
}

function isZero({ half, values, planeSize }: LayerView, target: number): boolean {
  const [from, to] = [target * planeSize, (target + 1) * planeSize];
  return half
    ? !half.subarray(from, to).some((bits) => (bits & 0x7fff) > 0)
    : !values.subarray(from, to).some((value) => value !== 0);
}
