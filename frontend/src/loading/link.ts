/** What a link asks for and the log no longer holds. */
import type { StepIndex, StepInfo } from "../data/answers";
import { infoAt } from "../state/choose";
import type { Store } from "../state/store";

/** Puts the nearest in the place of what an address asks for and the layer no longer holds. */
export function checkLink(store: Store, index: StepIndex): void {
  if (index.steps.length === 0) return;
  const gone: string[] = [];
  const step = store.step.peek();
  if (step !== null && !index.steps.some((info) => info.step === step)) {
    gone.push(`step ${step}`);
    const apart = (info: StepInfo) => Math.abs(info.step - step);
    store.step.value = index.steps.reduce((a, b) => (apart(b) < apart(a) ? b : a)).step;
  }
  const shown = infoAt(index, store.step.peek())!;
  const example = store.example.peek();
  if (example >= shown.examples.length) {
    gone.push(`example ${example}`);
    store.example.value = Math.max(0, shown.examples.length - 1);
  }
  const channel = store.channel.peek();
  if (channel !== null && channel >= (shown.shape.at(-1) ?? 0)) {
    gone.push(`channel ${channel}`);
    store.channel.value = null;
  }
  if (gone.length > 0) {
    store.notice.value = `"${index.tag}" holds no ${gone.join(", no ")}; the nearest is shown.`;
  }
}
