/** A part of the page that few open: its script is fetched when the first of them opens. */
import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "./controls";
import type dialogs from "./dialogs";
import { Trouble } from "./Guard";

type Parts = typeof dialogs;

/** Once for all that stand in it. */
const parts = signal<Parts | null>(null);
let tries = 0;

/** A browser may remember that an address failed: each try has one of its own. */
async function fetchParts(): Promise<void> {
  const again = `./dialogs.js?v=${BUILD}&try=${tries}`;
  const script = tries++ ? import(/* @vite-ignore */ again) : import("./dialogs");
  parts.value = ((await script) as { default: Parts }).default;
}

export function Later({ part }: { readonly part: keyof Parts }) {
  const failed = useSignal(false);
  const load = () => {
    failed.value = false;
    fetchParts().catch(() => {
      failed.value = true;
    });
  };
  useEffect(() => {
    if (!parts.peek()) load();
  }, []);
  const Part = parts.value?.[part];
  if (Part) return <Part />;
  if (!failed.value) return <span class="muted">Loading …</span>;
  return (
    <div role="alert">
      <Trouble text="TensorBoard did not answer for this part of the page. If it was installed anew or started again, reload the page." />
      <Button label="Try again" onClick={load} />
    </div>
  );
}
