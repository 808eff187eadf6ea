/** The page: a list of the states, each in its frame, and a switch for the dark. */
import { signal } from "@preact/signals";
import { render } from "preact";
import { ClientProvider } from "../src/state/client";
import { StoreProvider } from "../src/state/store";
import frames from "./gallery.css?inline";
import { sheets } from "./sheets";
import { STATES, type State } from "./states";
import { views } from "./views";

document.adoptedStyleSheets = [...sheets(), frames].map((text) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
});

const dark = signal(matchMedia("(prefers-color-scheme: dark)").matches);

dark.subscribe((on) => {
  document.documentElement.classList.toggle("dark", on);
  for (const { store } of views) store.dark.value = on;
});

function Framed({ id, title, of, place, height, show }: State) {
  return (
    <section id={id} class="exhibit">
      <h2>
        <a href={`#${id}`}>{id}</a> {title}
      </h2>
      <div class={`frame ${place}`} style={height > 0 ? `height:${height}px` : ""}>
        <StoreProvider value={of.store}>
          <ClientProvider value={of.client}>{show()}</ClientProvider>
        </StoreProvider>
      </div>
    </section>
  );
}

function Gallery() {
  return (
    <>
      <header class="gallery">
        <h1>Every state of every component</h1>
        <button type="button" class="button" onClick={() => (dark.value = !dark.value)}>
          {dark.value ? "Light" : "Dark"}
        </button>
        <nav aria-label="States">
          {STATES.map(({ id }) => (
            <a key={id} href={`#${id}`}>
              {id}
            </a>
          ))}
        </nav>
      </header>
      {STATES.map((state) => (
        <Framed key={state.id} {...state} />
      ))}
    </>
  );
}

const frame = () => new Promise(requestAnimationFrame);

/** Shows them once their values are here, and does what viewers do first; then `data-acted` is set. */
async function show(): Promise<void> {
  while (views.some(({ store, shows }) => shows && !store.view.value)) await frame();
  render(<Gallery />, document.body);
  for (const { id, act } of STATES) {
    if (!act) continue;
    // What one does moves the focus, a frame later: before the next.
    await frame();
    await frame();
    act(document.querySelector(`#${id} .frame`)!);
  }
  document.querySelector(location.hash || "header")?.scrollIntoView();
  document.documentElement.dataset.acted = "";
}

void show();
