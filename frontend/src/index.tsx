/** The entry point: TensorBoard imports this module and calls `render()`. */
import { render as renderInto } from "preact";
import { createStore, StoreProvider } from "./state/store";

export function render(): void {
  const store = createStore();
  renderInto(<StoreProvider value={store}>Loading…</StoreProvider>, document.body);
}
