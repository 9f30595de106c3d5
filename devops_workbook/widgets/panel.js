// The front end of a panel: it shows HTML that Python wrote, slot by slot, and reports what a person asks for.
//
// Life cycle: Python sends `page` once, with an empty element for every slot, and then the text of each slot
// that changed. A slot's element is morphed towards its new text, so that whatever did not change stays the very
// same element: open parts stay open, focus, selection and scroll positions stay where they are. Elements with
// `data-action` send a message; those with `data-local` are answered here. All text was escaped by Python, and
// HTML put in place this way runs no scripts.

const OWNED_BY_READER = new Set(["open", "style"]);
const SLOW_MS = 400;
const SILENT_MS = 8000;

const keyOf = (node) => (node.nodeType === 1 ? node.id || node.dataset.key || "" : "");

/** Morph the attributes, properties and children of `from` into those of `to`, which is of the same kind. */
function morph(from, to, reset) {
  if (from.nodeType !== 1) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  const changed = morphAttributes(from, to);
  morphChildren(from, to, reset);
  morphProperties(from, to, changed, reset);
}

function morphAttributes(from, to) {
  const changed = new Set();
  for (const { name, value } of [...to.attributes]) {
    if (OWNED_BY_READER.has(name) || from.getAttribute(name) === value) continue;
    from.setAttribute(name, value);
    changed.add(name);
  }
  for (const { name } of [...from.attributes]) {
    if (OWNED_BY_READER.has(name) || to.hasAttribute(name)) continue;
    from.removeAttribute(name);
    changed.add(name);
  }
  return changed;
}

/** What an input holds follows Python only where Python changed its mind, and never while someone types. */
function morphProperties(from, to, changed, reset) {
  const follows = (name) => reset || changed.has(name);
  if (from.localName === "option" && follows("selected")) from.selected = to.hasAttribute("selected");
  if (from.localName === "textarea" && (reset || from.dataset.text !== to.value)) {
    if (!isTyping(from)) from.value = to.value;
    from.dataset.text = to.value;
  }
  if (from.localName !== "input") return;
  if (["checkbox", "radio"].includes(from.type)) {
    if (follows("checked")) from.checked = to.hasAttribute("checked");
  } else if (follows("value") && !isTyping(from)) {
    from.value = to.getAttribute("value") ?? "";
  }
}

const sent = new WeakMap();
const isTyping = (input) => input.matches(":focus") && sent.has(input) && sent.get(input) !== input.value;

function morphChildren(from, to, reset) {
  const keyed = new Map();
  for (const child of from.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let cursor = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = keyOf(wanted);
    const match = key ? keyed.get(key) : cursor && !keyOf(cursor) ? cursor : null;
    if (!match || match.nodeName !== wanted.nodeName) {
      from.insertBefore(wanted, cursor);
      continue;
    }
    if (match === cursor) cursor = cursor.nextSibling;
    else from.insertBefore(match, cursor);
    morph(match, wanted, reset);
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** The raw value a control holds: a list for a set of boxes, null for a number that is not one. */
function valueOf(control) {
  if (control.dataset.value !== undefined) return control.dataset.value;
  if (control.localName === "details") return control.open;
  if (control.type === "checkbox" && control.name) {
    const boxes = control.closest("fieldset").querySelectorAll(`input[type="checkbox"]`);
    return [...boxes].filter((box) => box.checked).map((box) => box.value);
  }
  if (control.type === "checkbox") return control.checked;
  if (control.type === "number" || control.type === "range") {
    return control.value === "" ? null : Number(control.value);
  }
  return control.localName === "button" ? null : control.value;
}

/** What stands in the inputs beside a button, by name. */
function valuesBeside(button) {
  const values = {};
  for (const input of button.closest("[data-scope]")?.querySelectorAll("[data-name]") ?? []) {
    const { name } = input.dataset;
    if (input.type !== "checkbox") values[name] = input.value;
    else values[name] = [...(values[name] ?? []), ...(input.checked ? [input.value] : [])];
  }
  return values;
}

/** The element that scrolls when `node` does. */
function scrollerOf(node) {
  for (let at = node.parentElement; at; at = at.parentElement) {
    if (at.scrollHeight > at.clientHeight && /auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return null;
}

/** Open what a link leads to and everything around it, and bring it into view. */
function reveal(root, id) {
  const target = root.querySelector(`[id="${CSS.escape(id)}"]`);
  if (!target) return;
  for (let node = target; node && node !== root; node = node.parentElement) {
    if (node.localName === "details") node.open = true;
  }
  const own = target.querySelector(":scope > details");
  if (own) own.open = true;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  target.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  (target.querySelector(":scope > details > summary") ?? target).focus({ preventScroll: true });
}

const ZOOM = { "zoom-in": (z) => Math.min(z * 1.25, 5), "zoom-out": (z) => Math.max(z / 1.25, 0.5), "zoom-fit": () => 1 };

/** The actions that change only how something is looked at. */
function local(button) {
  const slot = button.closest("[data-slot]");
  if (button.dataset.local === "fullscreen") {
    if (document.fullscreenElement) document.exitFullscreen();
    else slot.requestFullscreen();
    return;
  }
  const zoom = ZOOM[button.dataset.local](Number(slot.style.getPropertyValue("--dw-zoom") || 1));
  slot.style.setProperty("--dw-zoom", zoom.toFixed(3));
}

function download({ name, type }, data) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([data], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "dw-root";
  root.append(parse(model.get("page")));
  const slots = [...root.querySelectorAll("[data-slot]")];
  const shown = new Map();
  let asked = 0;
  let awaitsDownload = false;
  let timers = [];

  const paintSlot = (slot, reset) => {
    const html = model.get(`slot_${slot.dataset.slot}`);
    if (!reset && shown.get(slot) === html) return;
    shown.set(slot, html);
    const wanted = slot.cloneNode(false);
    wanted.append(parse(html));
    morphChildren(slot, wanted, reset);
  };

  const paint = (reset = false) => {
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    const home = focused?.closest("[data-slot]");
    const before = focused?.getBoundingClientRect().top;
    for (const slot of slots) paintSlot(slot, reset);
    if (!focused) return;
    // What had the focus is gone (a way out that was taken): the panel it stood in takes it over.
    if (!focused.isConnected) home?.focus({ preventScroll: true });
    else keepInPlace(focused, before);
  };

  /** When panels above grew or shrank, scroll by as much, so that what a person works on does not move. */
  const keepInPlace = (focused, before) => {
    const moved = focused.getBoundingClientRect().top - before;
    const scroller = scrollerOf(focused);
    if (scroller && Math.abs(moved) >= 1) scroller.scrollTop += moved;
  };

  const settle = () => {
    timers.forEach(clearTimeout);
    timers = [];
    root.removeAttribute("aria-busy");
    root.classList.remove("dw-slow", "dw-silent");
  };

  const update = () => {
    if (model.get("answered") >= asked) settle();
    paint();
    root.dataset.answered = model.get("answered");
  };

  const ask = (control, action = control.dataset.action) => {
    const details = { ...control.dataset };
    settle();
    asked = Math.max(asked, model.get("answered")) + 1;
    sent.set(control, control.value);
    awaitsDownload ||= action === "download";
    root.setAttribute("aria-busy", "true");
    timers = [
      setTimeout(() => root.classList.add("dw-slow"), SLOW_MS),
      setTimeout(() => root.classList.add("dw-silent"), SILENT_MS),
    ];
    model.send({ ...details, action, number: asked, value: valueOf(control), values: valuesBeside(control) });
  };

  const onChange = (event) => {
    const control = event.target.closest("[data-action]");
    if (control && control.localName !== "button") ask(control);
  };

  const onClick = (event) => {
    const link = event.target.closest("a[href^='#']");
    const button = event.target.closest("button");
    if (link) {
      event.preventDefault();
      reveal(root, link.getAttribute("href").slice(1));
    } else if (button?.dataset.local) local(button);
    else if (button?.dataset.action) ask(button);
  };

  // While a slider moves, only its own figure follows; the plan follows when it is let go.
  const onInput = (event) => {
    const shownBeside = event.target.type === "range" && event.target.parentElement.querySelector("output");
    if (shownBeside) shownBeside.textContent = event.target.value;
  };

  // The body of a closed part is not sent; Python makes it when it hears that the part was opened.
  const onToggle = (event) => {
    if (event.target.dataset.lazy !== undefined) ask(event.target, "open");
  };

  // JupyterLab listens for keys on the document; on a list or a button of ours its "d d" would delete the cell.
  const onKey = (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.altKey);
    if ((plain || event.key === "Enter") && root.contains(event.target)) event.stopPropagation();
  };

  const onMessage = (message, buffers) => {
    if (message.reset) paint(true);
    // Every view hears of a download; only the one where it was asked for saves it.
    if (message.download && awaitsDownload) {
      awaitsDownload = false;
      download(message.download, buffers[0]);
    }
  };

  root.addEventListener("change", onChange);
  root.addEventListener("click", onClick);
  root.addEventListener("input", onInput);
  root.addEventListener("toggle", onToggle, true);
  window.addEventListener("keydown", onKey, true);
  model.on("change", update);
  model.on("msg:custom", onMessage);
  update();
  el.append(root);
  return () => {
    settle();
    window.removeEventListener("keydown", onKey, true);
    model.off("change", update);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
