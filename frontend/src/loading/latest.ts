/** One task at a time: a new one aborts the one before, and what the old one found is dropped. */
export class Latest {
  private abort: AbortController | null = null;

  constructor(private readonly failed: (message: string) => void) {}

  /** `task` checks `signal.aborted` after each wait, or lets its requests throw. */
  run(task: (signal: AbortSignal) => Promise<void>): void {
    this.cancel();
    const abort = new AbortController();
    this.abort = abort;
    task(abort.signal).catch((error: unknown) => {
      if (!abort.signal.aborted) this.failed(messageOf(error));
    });
  }

  cancel(): void {
    this.abort?.abort();
    this.abort = null;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof TypeError) return `TensorBoard does not answer (${error.message})`;
  return error instanceof Error ? error.message : String(error);
}

/** How long a selection rests before what it needs is asked for. */
export const SETTLE_MS = 120;

/** Waits until the selection rests; throws where it moved on. */
export function settle(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, SETTLE_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
