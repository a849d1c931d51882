// Moments in the viewer's zone; UTC stays on hover.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const full = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const thisYear = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});

export function inViewersZone(text) {
  const at = new Date(text);
  return (at.getFullYear() === new Date().getFullYear() ? thisYear : full).format(at);
}

export function showTimes(where) {
  for (const element of where.querySelectorAll("time[datetime]")) {
    const utc = element.dateTime.replace("T", " ").replace("Z", " UTC");
    element.textContent = inViewersZone(element.dateTime);
    element.title = `${utc} (shown in ${zone})`;
  }
}
