/** What the last update took of the training, and on disk. */
import { ready } from "../data/answers";
import { formatBytes, formatSeconds, formatShare } from "../render/format";
import { useStore } from "../state/store";

export function Cost() {
  const update = ready(useStore().overview.value)?.update;
  if (!update) return <span class="muted" />;
  const { step, seconds, share, bytes } = update;
  const of = share === null ? "" : ` ${formatShare(share)} of training,`;
  const took = `step ${step}: ${formatSeconds(seconds)} of the thread that trains`;
  return (
    <span class="muted cost" title={`The last update, ${took}; ${formatBytes(bytes)} on disk`}>
      update {formatSeconds(seconds)},{of} {formatBytes(bytes)}
    </span>
  );
}
