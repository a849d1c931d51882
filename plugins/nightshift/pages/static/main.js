// What every page does once it is there.
import { takeActions } from "./actions.js";
import { drawCharts } from "./charts.js";
import { copyCommands } from "./copy.js";
import { leaveTheFrame } from "./frame.js";
import { askRegistry } from "./registry.js";
import { loadPieces } from "./pieces.js";
import { letKeysScroll } from "./scrolling.js";
import { walkStrips } from "./strips.js";
import { showTimes } from "./times.js";

showTimes(document);
leaveTheFrame();
copyCommands();
walkStrips();
takeActions();
askRegistry();
letKeysScroll();
drawCharts(document);
loadPieces();
