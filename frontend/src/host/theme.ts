/** Light or dark, as TensorBoard's page is; as the system prefers where that page is out of reach. */
export function watchTheme(page: Window, apply: (dark: boolean) => void): void {
  try {
    const body = page.document.body;
    const read = () => apply(body.classList.contains("dark-mode"));
    read();
    new MutationObserver(read).observe(body, { attributes: true, attributeFilter: ["class"] });
  } catch {
    const query = matchMedia("(prefers-color-scheme: dark)");
    apply(query.matches);
    query.addEventListener("change", () => apply(query.matches));
  }
}
