/** Keeps the size of an element; a hidden tab has no height: what was laid out before stays. */
export function watchSize(
  element: HTMLElement,
  area: { value: { width: number; height: number } },
): () => void {
  const read = () => {
    const { clientWidth: width, clientHeight: height } = element;
    if (width > 0 && height > 0) area.value = { width, height };
  };
  const observer = new ResizeObserver(read);
  observer.observe(element);
  read();
  return () => observer.disconnect();
}
