/** Copies a link and answers what to say about it. */
export async function copyText(text: string | null): Promise<string> {
  if (text === null) return "No link: this page may not read TensorBoard's address";
  return (await copiesText(text)) ? "Link copied" : "The browser refused to copy";
}

/** Copies a text; whether the browser let it. */
export async function copiesText(text: string): Promise<boolean> {
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
