/** What a row of a matrix is called. */
import type { LayerView } from "../../data/answers";
import { isDense } from "../../data/view";

/** A position, or an example with its label. */
export function rowName(view: LayerView, row: number, labels: readonly string[] | null): string {
  if (!isDense(view.info)) return String(row);
  const label = labels?.[row];
  const id = view.info.examples[row] ?? row;
  return label ? `${id} “${label}”` : String(id);
}
