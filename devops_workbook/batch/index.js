// Sorts and filters the table of a batch, and draws what it shows.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = [
  (x, y) => `M${x - 5},${y}a5,5 0 1,0 10,0a5,5 0 1,0 -10,0`, // circle
  (x, y) => `M${x - 5},${y - 5}h10v10h-10z`, // square
  (x, y) => `M${x},${y - 6}l6,11h-12z`, // triangle
  (x, y) => `M${x},${y - 7}l7,7l-7,7l-7,-7z`, // diamond
];
const WIDTH = 560, HEIGHT = 300, LEFT = 58, RIGHT = 16, TOP = 14, BOTTOM = 44;

const table = document.querySelector("table");
const body = table.tBodies[0];
const rows = [...body.rows];
const heads = [...table.tHead.rows[0].cells];
const columns = Object.fromEntries(heads.map((head, at) => [head.dataset.column, at]));

const value = (row, column) => {
  const cell = row.cells[columns[column]];
  return cell && !cell.classList.contains("error") ? cell.dataset.value : undefined;
};
const figure = (row, column) => {
  const text = value(row, column);
  return text === undefined || text === "" ? NaN : Number(text);
};
const clouds = [...new Set(rows.map((row) => value(row, "provider")).filter(Boolean))].sort();

// Elements

const made = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  Object.entries(attributes).forEach(([key, text]) => element.setAttribute(key, text));
  element.append(...children);
  return element;
};
const drawn = (name, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, text]) => element.setAttribute(key, text));
  element.append(...children);
  return element;
};

// Sorting

const compare = (column, number, down) => (a, b) => {
  const [x, y] = number ? [figure(a, column), figure(b, column)] : [value(a, column), value(b, column)];
  const missing = (v) => v === undefined || Number.isNaN(v);
  if (missing(x) || missing(y)) return missing(x) - missing(y); // what is not known is last either way
  const order = number ? x - y : x.localeCompare(y, undefined, { numeric: true });
  return down ? -order : order;
};
const sort = (head) => {
  const down = head.getAttribute("aria-sort") === "ascending";
  heads.forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows.sort(compare(head.dataset.column, "number" in head.dataset, down)));
};
heads.filter((head) => head.dataset.column !== "documents").forEach((head) => {
  const button = made("button", { type: "button" }, head.textContent);
  button.addEventListener("click", () => sort(head));
  head.replaceChildren(button);
});

// Filtering

const search = made("input", { type: "search", placeholder: "name, region, service, error", "aria-label": "Filter" });
const cloud = made("select", {}, made("option", { value: "" }, "all"), ...clouds.map((c) => made("option", {}, c)));
const status = made("select", {}, ...["all", "done", "failed"].map((s) => made("option", { value: s === "all" ? "" : s }, s)));
const count = made("output", { "aria-live": "polite" });
document.getElementById("controls").append(
  made("label", {}, "Filter ", search), made("label", {}, "Cloud ", cloud), made("label", {}, "Status ", status), count,
);
const shown = () => rows.filter((row) => !row.hidden);
const filter = () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  rows.forEach((row) => {
    const text = row.textContent.toLowerCase();
    row.hidden = !(words.every((word) => text.includes(word))
      && (!cloud.value || value(row, "provider") === cloud.value) && (!status.value || row.dataset.status === status.value));
  });
  const n = shown().length;
  count.textContent = n === rows.length ? `${n} shown` : `${n} of ${rows.length} shown`;
  plots.forEach(draw);
};

// Plots: cost across, on a scale of factors, since costs of scenarios differ by factors

const even = (low, high) => {
  const rough = (high - low) / 4;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, n) => (first + n) * step);
};
const ticks = (low, high) => { // 1, 2, 5, 10, ... as far as they go
  const found = [];
  for (let ten = 10 ** Math.floor(Math.log10(low)); ten <= high; ten *= 10) {
    for (const step of [1, 2, 5]) if (ten * step >= low && ten * step <= high) found.push(ten * step);
  }
  if (found.length < 3) return even(low, high);
  return found.length > 7 ? found.filter((tick) => Number.isInteger(Math.log10(tick))) : found;
};
const dollars = (usd) => (usd >= 1e6 ? `$${usd / 1e6}M` : usd >= 1000 ? `$${usd / 1000}k` : `$${usd}`);
const short = (number) => `${Number(number.toFixed(4))} %`;

// Availabilities crowd below 100 %: what tells them apart is the number of nines, which is a scale of downtime.
const pct = (place) => 100 - 10 ** -place;
const nines = { at: (share) => -Math.log10(Math.max(1e-6, 100 - share)), ticks: (low, high) => {
  const found = [];
  for (let n = Math.floor(-high); n <= Math.ceil(-low); n += 1) {
    for (const step of [1, 2, 5]) if (-Math.log10(10 ** n * step) >= low && -Math.log10(10 ** n * step) <= high) found.push(-Math.log10(10 ** n * step));
  }
  return found.length < 3 ? even(pct(low), pct(high)).map(nines.at) : found;
}, text: (place) => short(pct(place)) };
const shares = { at: (share) => share, ticks: (low, high) => even(low, Math.min(100, high)), text: short };

const plots = [
  { id: "availability", title: "Cost a month against availability", scale: nines },
  { id: "coverage", title: "Cost a month against coverage of the frameworks", scale: shares },
];

const spread = (numbers, margin) => {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const room = (high - low || Math.abs(high) || 1) * margin;
  return [low - room, high + (high === low ? room / 4 : room)];
};

const open = (row) => row.querySelector("th a")?.click();
const mark = (row, on) => {
  row.classList.toggle("marked", on);
  document.querySelectorAll(`[data-row="${rows.indexOf(row)}"]`).forEach((point) => point.classList.toggle("marked", on));
};

const point = (row, x, y) => {
  const kind = clouds.indexOf(value(row, "provider"));
  const told = `${value(row, "name")}: ${row.cells[columns.cost].textContent}, ${row.cells[columns.availability].textContent} available, ${row.cells[columns.coverage].textContent} covered`;
  const made = drawn("path", { class: `point c${kind % 4}`, d: SHAPES[kind % 4](x, y), "data-row": rows.indexOf(row) }, drawn("title", {}, told));
  made.addEventListener("click", () => open(row));
  made.addEventListener("pointerenter", () => mark(row, true));
  made.addEventListener("pointerleave", () => mark(row, false));
  return made;
};

const draw = ({ id, title, scale }) => {
  const place = document.getElementById(id);
  const known = shown().filter((row) => figure(row, "cost") > 0 && Number.isFinite(figure(row, id)));
  const legend = made("div", { class: "legend" }, ...clouds.map((name, n) => {
    const shape = drawn("svg", { viewBox: "-7 -8 14 16", "aria-hidden": "true" }, drawn("path", { class: `c${n % 4}`, d: SHAPES[n % 4](0, 0) }));
    return made("span", {}, shape, name);
  }));
  const caption = made("figcaption", {}, title);
  if (!known.length) {
    place.replaceChildren(caption, made("p", {}, "Nothing of what is shown has these figures."));
    return;
  }
  const [left, right] = spread(known.map((row) => Math.log10(figure(row, "cost"))), .08);
  const [bottom, top] = spread(known.map((row) => scale.at(figure(row, id))), .1);
  const x = (usd) => LEFT + (Math.log10(usd) - left) / (right - left) * (WIDTH - LEFT - RIGHT);
  const y = (at) => HEIGHT - BOTTOM - (at - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM);
  const across = ticks(10 ** left, 10 ** right).flatMap((tick) => [
    drawn("line", { class: "grid", x1: x(tick), x2: x(tick), y1: TOP, y2: HEIGHT - BOTTOM }),
    drawn("text", { x: x(tick), y: HEIGHT - BOTTOM + 17, "text-anchor": "middle" }, dollars(tick)),
  ]);
  const up = scale.ticks(bottom, top).flatMap((tick) => [
    drawn("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }),
    drawn("text", { x: LEFT - 7, y: y(tick) + 4, "text-anchor": "end" }, scale.text(tick)),
  ]);
  const axis = drawn("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, "cost a month, all environments");
  const points = known.map((row) => point(row, x(figure(row, "cost")), y(scale.at(figure(row, id)))));
  const picture = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${known.length} scenarios` }, ...across, ...up, axis, ...points);
  place.replaceChildren(caption, legend, picture);
};

rows.forEach((row) => {
  row.addEventListener("pointerenter", () => mark(row, true));
  row.addEventListener("pointerleave", () => mark(row, false));
});
[search, cloud, status].forEach((control) => control.addEventListener("input", filter));
document.getElementById("pictures").hidden = false;
filter();
