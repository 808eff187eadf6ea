/** What fails to be painted says so in its own place; all else stays. */
import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { useStore } from "../state/store";

/** `name` is what stands there, as "film". Tried again with the next view. */
export function Guard({ name, children }: { name: string; children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary((thrown) => reportError(thrown));
  const view = useStore().view.value;
  useEffect(() => {
    if (error) reset();
  }, [view]);
  if (!error) return <>{children}</>;
  return <Trouble text={`No ${name}: ${error instanceof Error ? error.message : error}`} />;
}

/** Why something is not there, in its place. */
export function Trouble({ text }: { readonly text: string }) {
  return <p class="trouble">{text}</p>;
}
