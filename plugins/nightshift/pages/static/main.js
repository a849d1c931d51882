// What every page does once it is there.
import { drawCharts } from "./charts.js";
import { copyCommands } from "./copy.js";
import { leaveTheFrame } from "./frame.js";
import { walkStrips } from "./strips.js";
import { loadPieces } from "./pieces.js";
import { showTimes } from "./times.js";

showTimes(document);
leaveTheFrame();
copyCommands();
walkStrips();
drawCharts(document);
loadPieces();
