// Light or dark as Airflow shows it, before the first paint: its own page marks <html> with a class, and keeps the choice
// under "theme". Opened alone, without a choice, the page follows the system.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const airflow = (() => {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null; // framed by a page of another origin
    }
  })();
  const marked = () => ["dark", "light"].find((name) => airflow?.classList.contains(name));
  const kept = () => {
    try {
      return ["dark", "light"].find((name) => name === localStorage.getItem("theme"));
    } catch {
      return undefined; // storage is switched off
    }
  };
  const follow = () => {
    const theme = marked() ?? kept() ?? (system.matches ? "dark" : "light");
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    root.dispatchEvent(new Event("themechange"));
  };
  follow();
  system.addEventListener("change", follow);
  addEventListener("storage", follow);
  if (airflow) new MutationObserver(follow).observe(airflow, { attributeFilter: ["class"] });
})();
