const REFUSED = "The browser refused to copy";

/** Copies a link and answers what to say about it. */
export async function copyText(text: string | null): Promise<string> {
  if (text === null) return "No link: this page may not read TensorBoard's address";
  if (!(await copiesText(text))) return REFUSED;
  return isKernels(text, window.parent !== window.top)
    ? "Link copied: its address is that of the notebook's kernel"
    : "Link copied";
}

/** Whether a link is to a machine that others may not reach: TensorBoard in a frame, elsewhere. */
export function isKernels(link: string, framed: boolean): boolean {
  return framed && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(link).hostname);
}

/** Copies what is no link, and answers what to say about it. */
export async function copied(text: string): Promise<string> {
  return (await copiesText(text)) ? "Copied" : REFUSED;
}

/** Asked first: where a frame may not write, trying is a complaint in the browser's console. */
function mayWrite(): boolean {
  const { featurePolicy } = document as Document & {
    featurePolicy?: { allowsFeature(name: string): boolean };
  };
  return featurePolicy?.allowsFeature("clipboard-write") ?? true;
}

/** Copies a text; whether the browser let it. */
export async function copiesText(text: string): Promise<boolean> {
  if (!mayWrite()) return copyBySelection(text);
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Pages without https have no clipboard of their own, but may copy what is selected. */
function copyBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}
