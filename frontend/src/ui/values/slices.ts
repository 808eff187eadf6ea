/** Looking through all values without holding up the next picture. */

const UNTIL_PAINTED_MS = 30;
const SLICE_MS = 3; // leaves a frame of 16.7 ms its time

/** Does the work once the picture is painted, a few milliseconds at a time; returns what ends it early. */
export function inSlices<T>(work: Generator<void, T>, done: (result: T) => void): () => void {
  let timer = setTimeout(slice, UNTIL_PAINTED_MS);
  function slice(): void {
    const end = performance.now() + SLICE_MS;
    let step = work.next();
    while (!step.done && performance.now() < end) step = work.next();
    if (step.done) done(step.value);
    else timer = setTimeout(slice);
  }
  return () => clearTimeout(timer);
}
