/**
 * What few open, dialogs and the maps of attributions: a script of its own with its styles, which `Later`
 * fetches.
 */
import { Panel } from "./export/Panel";
import panelStyles from "./export/panel.css?inline";
import { Keys } from "./Keys";
import keyStyles from "./keys.css?inline";
import { MapControls, MethodText, Sign } from "./maps/MapBar";
import { MapGrid } from "./maps/MapGrid";
import mapStyles from "./maps/maps.css?inline";
import { RunPanel } from "./overview/RunPanel";
import runStyles from "./overview/runpanel.css?inline";

const sheet = new CSSStyleSheet();
sheet.replaceSync([panelStyles, keyStyles, mapStyles, runStyles].join(""));
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

export default { Panel, Keys, MapControls, MapGrid, MethodText, RunPanel, Sign };
