/** The page: what is shown when there is something to show, and what is said when there is not. */
import { useSignal } from "@preact/signals";
import { Grid } from "../grid/Grid";
import { selectRun } from "../state/actions";
import { type Store, useStore } from "../state/store";
import { Button, Select } from "./controls";
import { Inspector } from "./inspector/Inspector";
import { LayerBar } from "./LayerBar";
import { Health } from "./left/Health";
import { InputCard } from "./left/InputCard";
import { Layers } from "./left/LayerTree";
import { StatusLine } from "./StatusLine";
import { StepBar } from "./StepBar";
import { ValueWindow } from "./values/ValueWindow";

export interface AppProps {
  readonly onRetry: () => void;
}

export function App({ onRetry }: AppProps) {
  const store = useStore();
  const tags = store.tags.value;
  if (tags.state === "failed") {
    return <Failed message={tags.message} onRetry={onRetry} />;
  }
  if (tags.state !== "ready") return <Message title="Reading the log…" />;
  if (tags.value.size === 0) return <Empty />;
  return <Dashboard onRetry={onRetry} />;
}

function Dashboard({ onRetry }: AppProps) {
  const store = useStore();
  const drawer = useSignal(false);
  const classes = ["app", store.sidesHidden.value ? "bare" : "", drawer.value ? "drawer" : ""];
  return (
    <main class={classes.filter(Boolean).join(" ")}>
      <aside class="left" aria-label="Run, input and layers">
        <div class="section runbox">
          <Runs store={store} />
        </div>
        <InputCard />
        <Health />
        <Layers />
      </aside>
      <StepBar drawer={drawer.value} onDrawer={() => (drawer.value = !drawer.value)} />
      <LayerBar />
      <Well onRetry={onRetry} />
      <aside class="right" aria-label="Values and inspector">
        <ValueWindow />
        <Inspector />
      </aside>
      <StatusLine />
    </main>
  );
}

function Runs({ store }: { readonly store: Store }) {
  const tags = store.tags.value;
  const runs = tags.state === "ready" ? [...tags.value.keys()] : [];
  return (
    <Select
      label="Run"
      shown
      value={store.run.value ?? ""}
      choices={runs.map((run) => ({ value: run, text: run }))}
      onChange={(run) => selectRun(store, run)}
    />
  );
}

/** The grid, or why there is none. */
function Well({ onRetry }: AppProps) {
  const store = useStore();
  const error = store.error.value;
  if (error !== null) {
    return (
      <section class="gridwell">
        <Failed message={error} onRetry={onRetry} />
      </section>
    );
  }
  return <Grid />;
}

function Failed({ message, onRetry }: AppProps & { readonly message: string }) {
  return (
    <div class="message" role="alert">
      <strong>This could not be shown</strong>
      <span>{message}</span>
      <Button label="Try again" onClick={onRetry} />
    </div>
  );
}

function Message({ title }: { readonly title: string }) {
  return (
    <div class="message">
      <strong>{title}</strong>
    </div>
  );
}

const EXAMPLE = `import tb_activations as tba

with tf.summary.create_file_writer("logs/run").as_default():
    tba.activations("conv1", feature_maps, step=step)`;

function Empty() {
  return (
    <div class="message">
      <strong>No activations were logged here yet</strong>
      <span>Log those of any layer, and they appear here when TensorBoard reloads:</span>
      <pre>{EXAMPLE}</pre>
    </div>
  );
}
