/** What few open: a script of its own, which `Later` fetches. */
import { Panel } from "./export/Panel";
import { Keys } from "./Keys";

export default { Panel, Keys };
