// Pieces of a page that take a moment are asked for when the page is there; what goes wrong is said in their place.
import { drawCharts } from "./charts.js";
import { letKeysScroll } from "./scrolling.js";
import { showTimes } from "./times.js";

export function loadPieces() {
  document.querySelectorAll("[data-load]").forEach(load);
}

async function load(place) {
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(place.dataset.load, { headers: { Accept: "text/html" } });
    const piece = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceChildren(...(answer.ok ? piece.body.childNodes : piece.querySelectorAll("main > .lead")));
    showTimes(place);
    drawCharts(place);
    letKeysScroll();
  } catch {
    place.textContent = "This part of the page did not come. Load the page again.";
  }
  place.removeAttribute("aria-busy");
}
