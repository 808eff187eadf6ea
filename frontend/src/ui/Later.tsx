/** A part of the page that few open: the script of all of them is fetched when the first is opened. */
import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "./controls";
import { Trouble } from "./Guard";
import type more from "./more";

type Parts = typeof more;

/** Once for all that stand on the page. */
const parts = signal<Parts | "loading" | "failed" | null>(null);
let tries = 0;

/** A browser may remember that an address failed: each try has one of its own. */
async function load(): Promise<void> {
  parts.value = "loading";
  try {
    const again = `./more.js?v=${BUILD}&try=${tries}`;
    const script = await (tries++ ? import(/* @vite-ignore */ again) : import("./more"));
    parts.value = (script as { default: Parts }).default;
  } catch {
    parts.value = "failed";
  }
}

/** What a part is given. */
type Of<P extends keyof Parts> = Parameters<Parts[P]> extends [infer O] ? O : object;
type LaterProps<P extends keyof Parts> = {
  readonly part: P;
  /** The classes of what says meanwhile that it is awaited, or failed. */
  readonly place?: string;
  /** Nothing says so: another part beside it does. */
  readonly quiet?: boolean;
} & Of<P>;

export function Later<P extends keyof Parts>({ part, place, quiet, ...of }: LaterProps<P>) {
  useEffect(() => {
    if (parts.peek() === null || parts.peek() === "failed") void load();
  }, []);
  const found = parts.value;
  if (found && typeof found === "object") {
    const Part = found[part] as FunctionComponent<object>;
    return <Part {...of} />;
  }
  if (quiet) return null;
  if (found !== "failed") return <div class={`muted ${place ?? ""}`}>Loading …</div>;
  return (
    <div role="alert" class={place}>
      <Trouble text="TensorBoard did not answer for this part of the page. If it was installed anew or started again, reload the page." />
      <Button label="Try again" onClick={() => void load()} />
    </div>
  );
}
