// Airflow shows our pages in a frame that may not navigate its parent. Links that leave our pages are therefore followed
// by the parent itself: Airflow's own pages in place of it, other hosts in a new tab.
export function leaveTheFrame() {
  if (window.parent === window) return;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[target]");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    let outside;
    try {
      outside = window.parent.document;
    } catch {
      return; // framed by a page of another origin: the browser decides
    }
    event.preventDefault();
    const twin = outside.createElement("a");
    twin.href = link.href;
    twin.rel = "noopener";
    if (link.target === "_blank" || event.ctrlKey || event.metaKey) twin.target = "_blank";
    outside.body.append(twin);
    twin.click();
    twin.remove();
  });
}
