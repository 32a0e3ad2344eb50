// Before anything is painted, so that a dark page does not flash white. Not a module: those wait for the whole page.
"use strict";
{
  const root = document.documentElement;
  const kept = () => { try { return localStorage.getItem("kservegen.theme"); } catch { return null; } };
  const show = (theme) => { root.dataset.theme = theme; };
  show(kept() ?? "system");
  addEventListener("DOMContentLoaded", () => {
    const chooser = document.getElementById("theme");
    chooser.value = root.dataset.theme;
    chooser.addEventListener("change", () => {
      show(chooser.value);
      try { localStorage.setItem("kservegen.theme", chooser.value); } catch { /* it lasts as long as the page */ }
    });
  });
}
