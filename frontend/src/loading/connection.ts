/**
 * Whether TensorBoard answers. Where it does not, that is said, and it is asked again after 2, 4, 8,
 * 16, then every 30 s, and at once when the browser is online again.
 */
import { type Client, Unreachable } from "../data/client";
import { say, unsay } from "../state/notices";
import type { Store } from "../state/store";

const FIRST_MS = 2000;
const LONGEST_MS = 30_000;

export class Connection {
  /** Failures in a row. */
  private tries = 0;
  private wait = 0;
  private failedAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly again: () => void,
  ) {
    addEventListener("online", () => this.timer !== undefined && this.retry());
  }

  /** A client that watches whether it is answered. */
  over(client: Client): Client {
    const watched =
      <A extends readonly unknown[], T>(ask: (...of: A) => Promise<T>) =>
      async (...of: A) => {
        const at = Date.now();
        try {
          const answer = await ask(...of);
          // Who was asked after the failure and answers is there again.
          if (this.timer !== undefined && at > this.failedAt) this.retry();
          if (this.timer === undefined) unsay(this.store, "connection");
          return answer;
        } catch (error) {
          if (error instanceof Unreachable) this.askLater(error.message);
          throw error;
        }
      };
    return {
      tags: watched(client.tags),
      steps: watched(client.steps),
      overview: watched(client.overview),
      facts: watched(client.facts),
      answers: watched(client.answers),
      largest: watched(client.largest),
      tensor: watched(client.tensor),
      stats: watched(client.stats),
      latest: watched(client.latest),
      labels: watched(client.labels),
      scores: watched(client.scores),
    };
  }

  /** Whether it was asked again a moment ago: what is missing may still come. */
  get recovering(): boolean {
    return this.tries > 0 && Date.now() - this.failedAt <= 2 * (this.wait + FIRST_MS);
  }

  /** Asks again after a while, longer each time; `reason` is said meanwhile. */
  askLater(reason: string | null): void {
    if (this.timer !== undefined) return;
    if (!this.recovering) this.tries = 0;
    this.wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries);
    this.tries++;
    this.failedAt = Date.now();
    this.timer = setTimeout(() => this.retry(), this.wait);
    if (reason === null) return;
    say(this.store, "connection", `${reason}. It is asked again in ${this.wait / 1000} s.`);
  }

  /** Asks at once. */
  readonly retry = (): void => {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.again();
  };
}
