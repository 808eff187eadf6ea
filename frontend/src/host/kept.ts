/** What the browser keeps between visits, where it is allowed to. */

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(`tb_activations.${name}`);
  } catch {
    return null;
  }
}

/** null forgets it. */
export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`tb_activations.${name}`);
    else localStorage.setItem(`tb_activations.${name}`, value);
  } catch {
    // Private windows and strict settings refuse: the choice then ends with the page.
  }
}
