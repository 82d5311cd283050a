"use strict";
// Tabs, filters and keys. Without this script the page shows everything, one revision after another.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const tabs = all("#tabs a");
  const panels = tabs.map((tab) => one(tab.hash.slice(1)));
  const filters = one("filters"); // none where nothing is said; no rules where no rule speaks
  const kinds = all('#filters [name="kind"]');
  const chosen = (name) => document.querySelector(`#filters [name="${name}"]`)?.value ?? "";
  const status = one("status");
  let current = 0;
  let place = null; // the remark that was gone to last

  function select(index, { focus = false } = {}) {
    current = index;
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
      panels[i].hidden = i !== index;
    });
    if (focus) tabs[index].focus();
    tabs[index].scrollIntoView({ block: "nearest", inline: "nearest" });
    tell();
  }

  function makeTabs() {
    one("tabs").setAttribute("role", "tablist");
    tabs.forEach((tab, i) => {
      tab.parentElement.setAttribute("role", "presentation");
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panels[i].id);
      panels[i].setAttribute("role", "tabpanel");
      tab.addEventListener("click", (event) => {
        event.preventDefault();
        choose(i);
      });
      tab.addEventListener("keydown", (event) => {
        const last = tabs.length - 1;
        const to = { ArrowRight: i === last ? 0 : i + 1, ArrowLeft: i === 0 ? last : i - 1, Home: 0, End: last };
        if (!(event.key in to)) return;
        event.preventDefault();
        choose(to[event.key]);
      });
    });
  }

  // The page jumps to the start of a revision only when the reader is inside of another one.
  function choose(index) {
    const inside = one("bar").getBoundingClientRect().top <= 0;
    place = null;
    select(index, { focus: true });
    history.replaceState(null, "", tabs[index].hash);
    if (inside) panels[index].scrollIntoView();
  }

  const remarks = () => all(".remark", panels[current]);

  function tell() {
    const here = remarks();
    const shown = here.filter((remark) => !remark.hidden);
    const at = place === null ? 0 : shown.indexOf(place) + 1;
    const of = shown.length === here.length ? `${here.length}` : `${shown.length} of ${here.length}`;
    const noun = here.length === 1 ? "remark" : "remarks";
    status.textContent = at ? `${at} of ${shown.length} ${noun}` : `${of} ${noun}`;
    one("back").disabled = one("on").disabled = shown.length === 0;
  }

  function filter() {
    const wanted = new Set(kinds.filter((box) => box.checked).map((box) => box.value));
    const rule = chosen("rule");
    const state = chosen("state");
    for (const remark of all(".remark")) {
      const its = remark.dataset;
      const rules = its.rules.split(" ");
      remark.hidden = !(wanted.has(its.kind)
        && (rule === "" || rules.includes(rule))
        && (state === "" || its.state === state));
    }
    tabs.forEach((tab, i) => {
      const badge = tab.querySelector(".said");
      if (badge) badge.textContent = String(all(".remark:not([hidden])", panels[i]).length);
    });
    tell();
  }

  function goTo(element) {
    const panel = panels.findIndex((each) => each.contains(element));
    if (panel >= 0 && panel !== current) select(panel);
    for (let up = element.parentElement; up; up = up.parentElement) {
      if (up.tagName === "DETAILS") up.open = true;
    }
    const remark = element.classList.contains("remark");
    const tall = element.offsetHeight > innerHeight * 0.6;
    if (remark) {
      place = element;
      element.hidden = false;
      element.focus({ preventScroll: true });
    }
    element.scrollIntoView({ block: remark && !tall ? "center" : "start" });
    tell();
  }

  function step(forward) {
    const here = remarks();
    const shown = here.filter((remark) => !remark.hidden);
    if (shown.length === 0) return;
    const held = document.activeElement.closest(".remark");
    const from = held && panels[current].contains(held) ? held : place;
    if (from === null) {
      goTo(forward ? shown[0] : shown[shown.length - 1]);
      return;
    }
    const at = here.indexOf(from);
    const next = forward
      ? here.slice(at + 1).find((remark) => !remark.hidden)
      : here.slice(0, at).reverse().find((remark) => !remark.hidden);
    if (next) goTo(next);
    else status.textContent = forward ? "No more remarks" : "No remarks before";
  }

  function key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select")) return;
    const forward = { j: true, n: true, k: false, p: false }[event.key];
    if (forward === undefined) return;
    event.preventDefault();
    step(forward);
  }

  function unfold() {
    const button = one("unfold");
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(open));
    for (const details of all("main details")) details.open = open;
  }

  function follow() {
    const target = location.hash.length > 1 ? one(location.hash.slice(1)) : null;
    const panel = target ? panels.findIndex((each) => each === target) : -1;
    if (panel >= 0) choose(panel);
    else if (target && target.closest("main")) goTo(target);
  }

  if (tabs.length === 0) return;
  makeTabs();
  one("moves").hidden = false;
  select(Math.max(0, tabs.findIndex((tab) => "first" in tab.dataset)));
  if (filters) {
    filters.hidden = false;
    filters.addEventListener("change", filter);
    filter();
  }
  follow();
  addEventListener("hashchange", follow);
  document.addEventListener("keydown", key);
  one("back").addEventListener("click", () => step(false));
  one("on").addEventListener("click", () => step(true));
  one("unfold").addEventListener("click", unfold);
})();
