/** What was asked for and is not there, one line a subject; under the step bar. */
import { unsay } from "../state/notices";
import { useStore } from "../state/store";
import { Button } from "./controls";

export function Notices({ onRetry }: { readonly onRetry: () => void }) {
  const store = useStore();
  return (
    <>
      {store.notices.value.map(({ about, text }) => (
        <div key={about} class="notice" role="alert">
          <span>{text}</span>
          <span class="spacer" />
          {about === "connection" && <Button label="Try again" onClick={onRetry} />}
          <Button label="Dismiss" icon="close" class="plain" onClick={() => unsay(store, about)} />
        </div>
      ))}
    </>
  );
}
