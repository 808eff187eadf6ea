/** What is said of what was asked for and could not be had: one sentence a subject, each in its place. */
import { type Notice, type Part, SUBJECTS } from "./signals";
import type { Store } from "./store";

/** Says it beside what is said of other subjects; what was said of this one before is replaced. */
export function say(store: Store, about: Notice["about"], text: string): void {
  const others = store.notices.peek().filter((notice) => notice.about !== about);
  const rank = (notice: Notice) => SUBJECTS.indexOf(notice.about);
  store.notices.value = [...others, { about, text }].sort((a, b) => rank(a) - rank(b));
}

/** Takes back what was said of these subjects. */
export function unsay(store: Store, ...about: readonly Notice["about"][]): void {
  const left = store.notices.peek().filter((notice) => !about.includes(notice.about));
  if (left.length < store.notices.peek().length) store.notices.value = left;
}

/** Why a part around the view could not be had; null: it can be. */
export function setFailure(store: Store, part: Part, message: string | null): void {
  const { [part]: before = null, ...others } = store.failures.peek();
  if (before === message) return;
  store.failures.value = message === null ? others : { ...others, [part]: message };
}
