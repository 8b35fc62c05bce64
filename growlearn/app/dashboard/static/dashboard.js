// What htmx does not do by itself: say when a page is no longer refreshed, keep its tables scrolled, and show
// between two refreshes how far the work on a window has come.
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

  let events = null;
  let shown = null;
  const key = (work) => [work.stream, work.window, work.state].join("/");

  const describe = (work) =>
    work.stage + (work.total ? `: ${work.done} of ${work.total}` : "") + (work.note ? `, ${work.note}` : "");

  const show = (windows) => {
    const only = document.getElementById("live").dataset.stream;
    const ours = windows.filter((work) => only === undefined || work.stream === only);
    const progress = new Map(ours.map((work) => [key(work), work]));
    for (const element of document.querySelectorAll("#live [data-work]")) {
      const work = progress.get(element.dataset.work);
      if (work && work.stage !== null) {
        const bar = element.querySelector("progress");
        bar.max = work.total || 1;
        bar.value = work.done;
        element.querySelector("span").textContent = describe(work);
      }
    }
    const keys = Array.from(progress.keys()).join("\n");
    if (shown !== null && shown !== keys) {
      window.htmx.trigger("#live", "work-changed");
    }
    shown = keys;
  };
  // A hidden page does not listen: a browser opens few connections to one host.
  const listen = () => {
    if (document.hidden || !document.getElementById("live")) {
      events?.close();
      events = null;
    } else if (events === null) {
      events = new EventSource("/api/v1/progress/events");
      events.addEventListener("progress", (event) => show(JSON.parse(event.data).windows));
    }
  };
  document.addEventListener("visibilitychange", listen);
  listen();
})();
