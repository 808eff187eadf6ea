/** One task at a time: a new one aborts the one before, and what the old one found is dropped. */
export class Latest {
  private abort: AbortController | null = null;

  /** `failed` is told why, and null once a new task begins. */
  constructor(private readonly failed: (message: string | null, error?: unknown) => void) {}

  /** `task` checks `signal.aborted` after each wait, or lets its requests throw. */
  run(task: (signal: AbortSignal) => Promise<void>): void {
    this.cancel();
    const abort = new AbortController();
    this.abort = abort;
    this.failed(null);
    task(abort.signal).catch((error: unknown) => {
      if (!abort.signal.aborted) this.failed(messageOf(error), error);
    });
  }

  /** As `run`, for what needs no waiting: it is done when this returns. */
  now(task: () => void): void {
    this.cancel();
    this.failed(null);
    try {
      task();
    } catch (error) {
      this.failed(messageOf(error), error);
    }
  }

  cancel(): void {
    this.abort?.abort();
    this.abort = null;
  }
}

export function messageOf(error: unknown): string {
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
