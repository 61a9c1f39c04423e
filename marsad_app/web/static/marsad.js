// Swaps a part of the page instead of loading all of it. The attributes are those of htmx, of which this reads:
// hx-get, hx-target, hx-select, hx-push-url and hx-trigger="every Ns"; hx-swap is always outerHTML. Every link and form works without it.
"use strict";
(() => {
  const SLOW_MS = 4000;
  const say = (key, { shown = false } = {}) => {
    const place = document.getElementById("announce");
    place.textContent = document.body.dataset[key];
    place.classList.toggle("unseen", !shown);
  };
  let current = null;

  async function swap(element, address, { push = false, quiet = false, fallback = address } = {}) {
    const target = document.querySelector(element.getAttribute("hx-target"));
    if (!target) return location.assign(fallback);
    if (current) current.abort();
    const control = (current = new AbortController());
    if (!quiet) {
      target.setAttribute("aria-busy", "true");
      say("loading");
    }
    const late = setTimeout(() => quiet || say("slow", { shown: true }), SLOW_MS);
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" }, signal: control.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const part = page.querySelector(element.getAttribute("hx-select") || element.getAttribute("hx-target"));
      if (!part) throw new Error("nothing to show");
      const focused = document.activeElement;
      const again = target.contains(focused) ? focused.getAttribute("href") : null;
      target.replaceWith(part);
      if (push) {
        history.pushState({ swapped: true }, "", answer.url);
        document.title = page.title;
        follow(page);
      }
      if (again) (part.querySelector(`a[href="${CSS.escape(again)}"]`) || document.getElementById("content")).focus({ preventScroll: true });
      if (!quiet) {
        say("loaded");
        if (part.getBoundingClientRect().top < 0) scrollTo(0, 0);
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      target.removeAttribute("aria-busy");
      if (!quiet) location.assign(fallback);
    } finally {
      clearTimeout(late);
      if (current === control) current = null;
    }
  }

  // What lies outside of the swapped part and depends on the address: the language link and the query.
  function follow(page) {
    const [mine, theirs] = [document, page].map((each) => each.querySelector("a.language"));
    if (mine && theirs) mine.setAttribute("href", theirs.getAttribute("href"));
    const [box, filled] = [document, page].map((each) => each.getElementById("q"));
    if (box && filled && document.activeElement !== box) box.value = filled.value;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[hx-get]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    swap(link, link.getAttribute("hx-get"), { push: link.getAttribute("hx-push-url") === "true" });
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[hx-get]");
    if (!form) return;
    event.preventDefault();
    const address = `${form.getAttribute("hx-get")}?${new URLSearchParams(new FormData(form))}`;
    swap(form, address, { push: form.getAttribute("hx-push-url") === "true" });
  });

  // An export tells how far it is: articles are counted by their line ends as they come.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-progress]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || !window.ReadableStream) return;
    event.preventDefault();
    const told = link.parentElement.querySelector("[data-export]");
    const number = new Intl.NumberFormat(document.documentElement.lang);
    told.hidden = false;
    told.textContent = `${told.dataset.going} ${number.format(0)}`;
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) throw new Error(answer.statusText);
      const heads = link.download.endsWith(".csv") ? 1 : 0;
      const [reader, parts] = [answer.body.getReader(), []];
      let lines = 0;
      for (let step = await reader.read(); !step.done; step = await reader.read()) {
        parts.push(step.value);
        for (const byte of step.value) lines += byte === 10;
        told.textContent = `${told.dataset.going} ${number.format(Math.max(0, lines - heads))}`;
      }
      const saved = document.createElement("a");
      saved.href = URL.createObjectURL(new Blob(parts, { type: answer.headers.get("content-type") }));
      saved.download = link.download;
      saved.click();
      setTimeout(() => URL.revokeObjectURL(saved.href), 60000);
      told.textContent = `${told.dataset.done} ${number.format(Math.max(0, lines - heads))}`;
    } catch {
      told.textContent = told.dataset.failed;
    }
  });

  if (!history.state) history.replaceState({ swapped: true }, "");
  addEventListener("popstate", (event) => {
    if (event.state && event.state.swapped) location.reload();
  });

  for (const element of document.querySelectorAll("[hx-trigger^='every ']")) {
    const seconds = parseFloat(element.getAttribute("hx-trigger").slice(6)) || 10;
    const address = element.getAttribute("hx-get");
    setInterval(() => {
      if (!document.hidden) swap(element, address, { quiet: true });
    }, seconds * 1000);
  }

  // Keys: / to search, j and k through the results.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    const step = { j: 1, "ت": 1, k: -1, "ن": -1 }[event.key];
    if (event.key === "/" && document.getElementById("q")) {
      event.preventDefault();
      document.getElementById("q").select();
    } else if (step) {
      const hits = [...document.querySelectorAll(".hit")];
      const at = hits.findIndex((hit) => hit.classList.contains("at"));
      const next = hits[Math.max(0, Math.min(hits.length - 1, at + step))];
      if (!next) return;
      hits.forEach((hit) => hit.classList.toggle("at", hit === next));
      next.querySelector("a[href^='/articles/'], a[href^='/stories/']").focus();
    }
  });

  // Times are told in the reader's own zone from the next page on.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `marsad_zone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax`;
})();
