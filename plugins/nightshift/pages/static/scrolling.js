// What is wider than its place scrolls, and is then a stop of the tab key, so that arrow keys can scroll it.
export function letKeysScroll() {
  for (const place of document.querySelectorAll(".scroll, pre, .command code, .as-table")) {
    if (place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight + 1) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  }
}

addEventListener("resize", letKeysScroll);
