// What htmx does not do by itself: say when a page is no longer refreshed, and keep its tables scrolled.
(() => {
  "use strict";
  let refreshedAt = new Date();
  let scrolled = new Map();
  const stale = () => document.getElementById("stale");

  const regions = () => document.querySelectorAll("#live .scroll");

  document.addEventListener("htmx:beforeSwap", () => {
    scrolled = new Map(Array.from(regions(), (region) => [region.getAttribute("aria-label"), region.scrollLeft]));
  });
  document.addEventListener("htmx:afterSwap", () => {
    refreshedAt = new Date();
    stale().hidden = true;
    for (const region of regions()) {
      region.scrollLeft = scrolled.get(region.getAttribute("aria-label")) ?? 0;
    }
  });
  const warn = () => {
    document.getElementById("stale-since").textContent = refreshedAt.toISOString().slice(11, 19) + " UTC";
    stale().hidden = false;
  };
  document.addEventListener("htmx:sendError", warn);
  document.addEventListener("htmx:responseError", warn);
})();
