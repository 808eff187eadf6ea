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

export function messageOf(error: unknown): string {
  if (error instanceof TypeError) return `TensorBoard does not answer (${error.message})`;
  return error instanceof Error ? error.message : String(error);
}
