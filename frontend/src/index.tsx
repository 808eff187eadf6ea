/** The entry point: TensorBoard imports this module and calls `render()`. */
import { render as renderInto } from "preact";
import { createClient } from "./data/client";
import { connectAddress } from "./host/address";
import { copyText } from "./host/clipboard";
import { connectGuest } from "./host/guest";
import { watchTheme } from "./host/theme";
import { Loader } from "./loading/loader";
import { keepAddress, keysOf } from "./state/address";
import { ClientProvider } from "./state/client";
import { play } from "./state/player";
import { createStore, StoreProvider } from "./state/store";
import { App } from "./ui/App";
import shellStyles from "./ui/app.css?inline";
import controlStyles from "./ui/controls.css?inline";
import dividerStyles from "./ui/divider.css?inline";
import exportStyles from "./ui/export/export.css?inline";
import forcedStyles from "./ui/forced.css?inline";
import gridStyles from "./ui/grid/grid.css?inline";
import matrixStyles from "./ui/grid/matrix.css?inline";
import signalStyles from "./ui/grid/signals.css?inline";
import inspectorStyles from "./ui/inspector/inspector.css?inline";
import narrowStyles from "./ui/narrow.css?inline";
import noticeStyles from "./ui/notices.css?inline";
import answerStyles from "./ui/overview/answer.css?inline";
import networkStyles from "./ui/overview/map.css?inline";
import leftStyles from "./ui/overview/overview.css?inline";
import shortStyles from "./ui/short.css?inline";
import tokens from "./ui/tokens.css?inline";
import valuesStyles from "./ui/values/values.css?inline";

export function render(): void {
  adoptStyles([
    tokens,
    controlStyles,
    shellStyles,
    noticeStyles,
    dividerStyles,
    leftStyles,
    narrowStyles,
    networkStyles,
    answerStyles,
    gridStyles,
    matrixStyles,
    signalStyles,
    valuesStyles,
    inspectorStyles,
    exportStyles,
    shortStyles,
    forcedStyles,
  ]);
  const store = createStore();
  watchTheme(window.parent, (dark) => {
    store.dark.value = dark;
    document.documentElement.classList.toggle("dark", dark);
  });
  const address = connectAddress(window.parent);
  keepAddress(store, address);
  play(store);
  const client = createClient();
  const loader = new Loader(store, client);
  connectGuest(window.parent).onReload(() => loader.reload());
  document.documentElement.lang = "en";
  document.title = "Activations";
  renderInto(
    <StoreProvider value={store}>
      <ClientProvider value={client}>
        <App onRetry={loader.retry} copyLink={() => copyText(address.link(keysOf(store)))} />
      </ClientProvider>
    </StoreProvider>,
    document.body,
  );
  loader.start();
}

function adoptStyles(sheets: readonly string[]): void {
  document.adoptedStyleSheets = sheets.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
}
