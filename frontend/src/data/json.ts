/** What was parsed as JSON, taken apart: each reader names the place where something else stands. */

/** An answer that is not of the contract's form; the message names the place, for whoever reports it. */
export class AnswerError extends Error {
  constructor(place: string) {
    super(`the server's answer is of no known form; reload the page (${place})`);
  }
}

export type Json = Readonly<Record<string, unknown>>;

export function object(value: unknown, place: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new AnswerError(`${place} is not an object`);
}

export function list(value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new AnswerError(`${place} is not a list`);
}

export function number(value: unknown, place: string): number {
  if (typeof value === "number") return value;
  throw new AnswerError(`${place} is not a number`);
}

export function text(value: unknown, place: string): string {
  if (typeof value === "string") return value;
  throw new AnswerError(`${place} is not text`);
}

export function numbers(value: unknown, place: string): readonly number[] {
  return list(value, place).map((item) => number(item, place));
}

export function orNull<T>(
  value: unknown,
  place: string,
  read: (v: unknown, p: string) => T,
): T | null {
  return value === null || value === undefined ? null : read(value, place);
}
