/** What a link asks for and the log no longer holds. */
import type { StepIndex, StepInfo } from "../data/answers";
import type { Store } from "../state/store";

/** Puts the nearest in the place of what an address asks for and the layer no longer holds. */
export function checkLink(store: Store, index: StepIndex): void {
  const last = index.steps.at(-1);
  if (!last) return;
  const gone: string[] = [];
  const step = store.step.peek();
  if (step !== null && !index.steps.some((info) => info.step === step)) {
    gone.push(`step ${step}`);
    const apart = (info: StepInfo) => Math.abs(info.step - step);
    store.step.value = index.steps.reduce((a, b) => (apart(b) < apart(a) ? b : a)).step;
  }
  const example = store.example.peek();
  if (example >= last.examples.length) {
    gone.push(`example ${example}`);
    store.example.value = Math.max(0, last.examples.length - 1);
  }
  const channel = store.channel.peek();
  if (channel !== null && channel >= (last.shape.at(-1) ?? 0)) {
    gone.push(`channel ${channel}`);
    store.channel.value = null;
  }
  if (gone.length > 0) {
    store.notice.value = `"${index.tag}" holds no ${gone.join(", no ")}; the nearest is shown.`;
  }
}
