/** One sentence on the run at this step; what it names can be clicked. */
import { batch } from "@preact/signals";
import { ready } from "../../data/answers";
import type { ShowKey } from "../../data/choices";
import { copied } from "../../host/clipboard";
import { formatShare } from "../../render/format";
import { selectLayer, setTriage } from "../../state/actions";
import { changeTitle, mostChanged } from "../../state/changes";
import { summarize } from "../../state/choose";
import { called, healthText } from "../../state/healthText";
import { type Store, useStore } from "../../state/store";
import { CopyButton } from "../controls";

export function Health() {
  const store = useStore();
  const answer = store.overview.value;
  if (answer.state === "failed") {
    return <p class="section health bad">No overview: {answer.message}</p>;
  }
  const overview = ready(answer);
  if (!overview) return <p class="section health muted">Reading the log…</p>;
  const { channels, dead, worst, nonfiniteLayers, floor, grown } = summarize(
    overview,
    store.step.value,
  );
  const first = overview.firstNonfinite;
  const step = store.step.value;
  const most = mostChanged(overview, step);
  const [broken] = nonfiniteLayers;
  return (
    <div class="section health">
      <p>
        {!overview.complete && <span class="muted">Still reading the log; so far: </span>}
        {broken === undefined ? (
          "Finite. "
        ) : (
          <span class="bad">
            Not finite in{" "}
            {nonfiniteLayers.length === 1 ? (
              <LayerLink tag={broken} />
            ) : (
              <>
                {nonfiniteLayers.length} layers, from <LayerLink tag={broken} /> on
              </>
            )}
            .{" "}
          </span>
        )}
        {floor !== null && (
          <>
            The lowest number in <LayerLink tag={floor} /> may stand for NaN: max-pooling makes it
            of a window of NaN on CPUs.{" "}
          </>
        )}
        {grown && (
          <>
            <LayerLink tag={grown.tag} /> grew {grown.times}-fold since step {grown.since}.{" "}
          </>
        )}
        {dead === 0 || !worst ? (
          channels > 0 && `No dead channels in ${channels}.`
        ) : (
          <>
            <button
              type="button"
              class="link"
              title={`Show the dead channels of ${called(worst.tag)}`}
              onClick={() => open(store, worst.tag, "dead")}
            >
              {dead} of {channels} channels dead
            </button>
            <span class="joined">, most</span> in <LayerLink tag={worst.tag} />{" "}
            <span class="whole">({formatShare(worst.share)}).</span>
          </>
        )}
        {first && (
          <>
            {" "}
            First non-finite:{" "}
            <button
              type="button"
              class="link"
              onClick={() => selectLayer(store, first.tag, first.step)}
            >
              {called(first.tag)} at step {first.step}
            </button>
            .
          </>
        )}
        {most && (
          <span title={changeTitle(most)}>
            {" "}
            <button type="button" class="link" onClick={() => open(store, most.tag, "all")}>
              {called(most.tag)} changed most
            </button>{" "}
            since step {most.before.step} (RMS {most.text}).
          </span>
        )}{" "}
        <CopyButton
          label="Copy health"
          class="link"
          copy={() => copied(healthText(overview, step))}
        />
      </p>
    </div>
  );
}

/** Opens a layer with the channels in question: a filter that was chosen before may hide them all. */
function open(store: Store, tag: string, show: ShowKey): void {
  batch(() => {
    selectLayer(store, tag);
    setTriage(store, { show, search: "" });
  });
}

function LayerLink({ tag }: { readonly tag: string }) {
  const store = useStore();
  return (
    <button type="button" class="link" onClick={() => open(store, tag, "all")}>
      {called(tag)}
    </button>
  );
}
