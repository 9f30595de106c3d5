"use strict";
// Two conveniences, both absent without scripts: a choice of theme, and enlarging a picture with buttons or keys.
(() => {
  const root = document.documentElement;

  const button = (text, label, act) => {
    const it = document.createElement("button");
    it.type = "button";
    it.textContent = text;
    if (label) it.setAttribute("aria-label", label);
    it.addEventListener("click", act);
    return it;
  };

  const themes = ["system", "light", "dark"];
  const toggle = button("", "", () => setTheme(themes[(themes.indexOf(root.dataset.theme || "system") + 1) % 3]));
  const setTheme = (theme) => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    toggle.textContent = `Theme: ${theme}`;
    try { localStorage.setItem("design-document-theme", theme); } catch { /* Stored nowhere: fine for a file. */ }
  };
  let stored = null;
  try { stored = localStorage.getItem("design-document-theme"); } catch { /* As above. */ }
  setTheme(themes.includes(stored) ? stored : "system");
  document.querySelector(".tools").append(toggle, button("Print", "", () => window.print()));

  const steps = [1, 1.25, 1.5, 2, 2.5, 3, 4, 6];
  for (const figure of document.querySelectorAll("figure")) {
    const picture = figure.querySelector(".picture");
    const name = figure.querySelector("figcaption .label").textContent;
    const shown = document.createElement("output");
    let step = 0;
    const zoom = (to) => {
      const x = (picture.scrollLeft + picture.clientWidth / 2) / picture.scrollWidth;
      const y = (picture.scrollTop + picture.clientHeight / 2) / picture.scrollHeight;
      step = Math.max(0, Math.min(steps.length - 1, to));
      picture.style.setProperty("--zoom", steps[step]);
      picture.scrollTo(x * picture.scrollWidth - picture.clientWidth / 2, y * picture.scrollHeight - picture.clientHeight / 2);
      shown.textContent = `${Math.round(steps[step] * 100)} %`;
    };
    const bar = document.createElement("div");
    bar.className = "zoom";
    bar.append(
      button("−", `Make ${name} smaller`, () => zoom(step - 1)),
      button("+", `Make ${name} larger`, () => zoom(step + 1)),
      button("Fit", `Fit ${name} to the page`, () => zoom(0)),
      shown,
    );
    if (picture.requestFullscreen) bar.append(button("Full screen", `Show ${name} on the full screen`, () => picture.requestFullscreen()));
    figure.prepend(bar);
    const keys = { "+": () => zoom(step + 1), "=": () => zoom(step + 1), "-": () => zoom(step - 1), "0": () => zoom(0) };
    picture.addEventListener("keydown", (event) => {
      if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    zoom(0);
  }
})();
