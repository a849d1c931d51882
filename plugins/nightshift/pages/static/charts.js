// Charts: the server writes an option of the chart library (charts.py) beside each place for one; colours are names of the
// style sheet's, such as "--good", so that a chart follows the theme, and numbers that need words name their words.
const LIBRARY = "vendor/echarts-6.1.0.common.min.js";
const WORDS = { duration, share: (value) => `${+(value * 100).toFixed(value < 0.01 ? 2 : 1)} %`, count: (value) => value.toLocaleString("en-GB").replaceAll(",", "\u202f") };

let loading;
const drawn = new Map();

// All of them at once, seen or not: a page has one or two, and is printed as it is.
export function drawCharts(where) {
  where.querySelectorAll("figure.chart").forEach(draw);
}

document.documentElement.addEventListener("themechange", () => drawn.forEach((_, figure) => draw(figure)));
addEventListener("beforeprint", () => drawn.forEach((chart) => chart.resize()));

async function draw(figure) {
  const place = figure.querySelector(".canvas");
  try {
    const echarts = await library();
    drawn.get(figure)?.dispose();
    place.replaceChildren();
    const chart = echarts.init(place, null, { renderer: "svg" });
    chart.setOption(dressed(JSON.parse(figure.querySelector("script").textContent)));
    new ResizeObserver(() => chart.resize()).observe(place);
    drawn.set(figure, chart);
  } catch (error) {
    place.textContent = "The chart could not be drawn; the table below says the same.";
    figure.querySelector("details")?.setAttribute("open", "");
    console.warn(error);
  }
}

function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(LIBRARY, import.meta.url);
    script.onload = () => resolve(window.echarts);
    script.onerror = () => reject(new Error("the chart library did not come"));
    document.head.append(script);
  });
  return loading;
}

function dressed(option) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const dress = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? colour(value) : value;
    if (Array.isArray(value)) return value.map(dress);
    if (value === null || typeof value !== "object") return value;
    if (value.words) return WORDS[value.words];
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, dress(inner)]));
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    animation: !still,
    animationDuration: 300,
    aria: { enabled: false }, // the element around it has a label, and a table beside it
    ...dress(option),
    textStyle: { fontFamily: style.getPropertyValue("--sans"), color: colour("--ink-2"), fontSize: 12 },
  };
}

function duration(seconds) {
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? "\u2212" : "";
  if (size < 60) return `${sign}${+size.toFixed(size < 10 ? 1 : 0)} s`;
  if (size < 3600) return `${sign}${Math.round(size / 60)} min`;
  return `${sign}${+(size / 3600).toFixed(1)} h`;
}
