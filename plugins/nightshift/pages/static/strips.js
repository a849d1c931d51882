// Strips of nights: arrow keys move from night to night (one strip is one stop of the tab key), and whoever stays on a night
// is told about it. The details of a pipeline's nights are asked once, when somebody looks at its first one.
import { inViewersZone } from "./times.js";

const details = new Map();
let tip;
let shown;

export function walkStrips() {
  for (const strip of document.querySelectorAll(".cells[data-pipeline], .cells[data-walk]")) {
    const cells = [...strip.querySelectorAll("a")];
    cells.forEach((cell) => (cell.tabIndex = -1));
    if (cells.length) cells.at(-1).tabIndex = 0;
    strip.addEventListener("keydown", (event) => step(event, cells));
    if (strip.dataset.details === undefined) continue; // its cells say all that there is to say
    strip.addEventListener("focusin", (event) => tell(strip, event.target));
    strip.addEventListener("focusout", hide);
    strip.addEventListener("pointerover", (event) => event.target.matches("a") && tell(strip, event.target));
    strip.addEventListener("pointerleave", hide);
  }
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", hide, { passive: true });
}

function step(event, cells) {
  const at = cells.indexOf(event.target);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: cells.length - 1, PageUp: at - 7, PageDown: at + 7 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = cells[Math.min(Math.max(to, 0), cells.length - 1)];
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

async function tell(strip, cell) {
  shown = cell;
  show(cell, cell.getAttribute("aria-label"), []);
  try {
    const nights = await ask(strip);
    const night = nights[cell.getAttribute("href").split("/").at(-1)];
    if (shown === cell && night) show(cell, night.title, night.facts);
  } catch {
    details.delete(strip); // asked again next time
  }
}

function ask(strip) {
  if (!details.has(strip)) {
    details.set(strip, fetch(strip.dataset.details, { headers: { Accept: "application/json" } }).then((answer) => {
      if (!answer.ok) throw new Error(answer.status);
      return answer.json();
    }));
  }
  return details.get(strip);
}

function show(cell, title, facts) {
  tip ??= document.body.appendChild(Object.assign(document.createElement("div"), { className: "tip" }));
  const heading = Object.assign(document.createElement("strong"), { textContent: title });
  const list = document.createElement("dl");
  for (const [name, value, at] of facts) {
    list.append(
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: at ? inViewersZone(at) : value }),
    );
  }
  tip.replaceChildren(heading, ...(facts.length ? [list] : []));
  tip.setAttribute("aria-hidden", "true"); // the cell's own label says how the night stands; its page says the rest
  tip.hidden = false;
  const place = cell.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, place.left + place.width / 2 - size.width / 2), innerWidth - size.width - 8);
  const below = place.bottom + 8 + size.height < innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? place.bottom + 8 : place.top - size.height - 8}px`;
}

function hide() {
  shown = undefined;
  if (tip) tip.hidden = true;
}
