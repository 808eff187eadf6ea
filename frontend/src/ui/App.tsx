/** The page: what is shown when there is something to show, and what is said when there is not. */
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ready } from "../data/answers";
import { holdsMaps, isSignal } from "../data/view";
import { waitsForBound } from "../state/attributed";
import { useStore } from "../state/store";
import { Button } from "./controls";
import { Divider, keptWidth } from "./Divider";
import { Guard } from "./Guard";
import { Grid } from "./grid/Grid";
import { Matrix } from "./grid/Matrix";
import { isMatrix } from "./grid/matrixLayout";
import { Signals } from "./grid/Signals";
import { Inspector } from "./inspector/Inspector";
import { Later } from "./Later";
import { LayerBar } from "./LayerBar";
import { Narrow } from "./Narrow";
import { Notices } from "./Notices";
import { Health } from "./overview/Health";
import { InputCard } from "./overview/InputCard";
import { Layers } from "./overview/LayerTree";
import { Runs } from "./overview/Runs";
import { StatusLine } from "./StatusLine";
import { StepBar } from "./StepBar";
import { ValueWindow } from "./values/ValueWindow";

interface AppProps {
  readonly onRetry: () => void;
  readonly copyLink: () => Promise<string>;
}

export function App({ onRetry, copyLink }: AppProps) {
  const store = useStore();
  const answer = store.tags.value;
  if (answer.state === "failed") {
    return <Failed message={answer.message} onRetry={onRetry} />;
  }
  const tags = ready(answer);
  if (!tags) return <Message title="Reading the log…" />;
  if (tags.size === 0 && !store.view.value) return <Empty />;
  return <Dashboard onRetry={onRetry} copyLink={copyLink} />;
}

function Dashboard({ onRetry, copyLink }: AppProps) {
  const store = useStore();
  const drawer = useSignal(false);
  const left = useSignal(useMemo(keptWidth, []));
  const narrow = useMedia("(width < 1000px)");
  const stale = useComputed(() => (store.stale.value || waitsForBound(store) ? "" : undefined));
  const classes = ["app", store.sidesHidden.value ? "bare" : "", drawer.value ? "drawer" : ""];
  return (
    <main
      class={classes.filter(Boolean).join(" ")}
      data-stale={stale}
      style={left.value === null ? "" : `--left:${left.value}px`}
    >
      <aside class="left" aria-label="Run, input and layers">
        {narrow.value ? (
          <Narrow />
        ) : (
          <>
            <div class="section runbox">
              <Runs />
            </div>
            <Guard name="input">
              <InputCard />
            </Guard>
            <Guard name="health">
              <Health />
            </Guard>
            <Guard name="layers">
              <Layers />
            </Guard>
          </>
        )}
      </aside>
      {!narrow.value && <Divider chosen={left} />}
      <StepBar
        drawer={drawer.value}
        onDrawer={() => (drawer.value = !drawer.value)}
        copyLink={copyLink}
      >
        <Notices onRetry={onRetry} />
      </StepBar>
      <LayerBar />
      <FeatureMaps onRetry={onRetry} />
      <aside class="right" aria-label="Values and inspector">
        <Guard name="values">
          <ValueWindow />
        </Guard>
        <Inspector />
      </aside>
      <StatusLine />
    </main>
  );
}

/** Follows a media query. */
function useMedia(query: string): ReadonlySignal<boolean> {
  const matches = useSignal(matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const read = () => {
      // A hidden tab has no width: what was laid out before stays.
      if (document.documentElement.clientWidth > 0) matches.value = list.matches;
    };
    list.addEventListener("change", read);
    return () => list.removeEventListener("change", read);
  }, [query, matches]);
  return matches;
}

/** The grid, or why there is none. */
function FeatureMaps({ onRetry }: Pick<AppProps, "onRetry">) {
  const store = useStore();
  const error = store.error.value;
  if (error !== null) {
    return (
      <section class="gridwell">
        <Failed message={error} onRetry={onRetry} />
      </section>
    );
  }
  const view = store.view.value;
  const maps = view !== null && holdsMaps(view.info);
  return (
    <Guard name="picture">
      {maps ? (
        <Later part="MapGrid" place="gridwell message" />
      ) : !view || !isMatrix(view) ? (
        <Grid />
      ) : isSignal(view) ? (
        <Signals />
      ) : (
        <Matrix />
      )}
    </Guard>
  );
}

interface FailedProps {
  readonly message: string;
  readonly onRetry: () => void;
}

function Failed({ message, onRetry }: FailedProps) {
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

watch = tba.ActivationsCallback("logs/run", x_validation[:64])
model.fit(x, y, epochs=5, callbacks=[watch])`;

function Empty() {
  return (
    <div class="message">
      <strong>No activations were logged here yet</strong>
      <span>Log those of any layer, and they appear here when TensorBoard reloads:</span>
      <pre>{EXAMPLE}</pre>
    </div>
  );
}
