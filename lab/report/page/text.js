/* Elements, and figures as texts. */

/* An element with attributes; children are elements, or texts, which stay texts whatever is in them. */
function make(tag, attributes, ...children) {
  const [name, space] = tag.startsWith("svg:") ? [tag.slice(4), "http://www.w3.org/2000/svg"] : [tag, null];
  const element = space ? document.createElementNS(space, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

const byId = (id) => document.getElementById(id);
const isKnown = (value) => typeof value === "number" && isFinite(value);

/* Three digits at most, but all of those before the point, with thin spaces between thousands. */
function digits(value) {
  const size = Math.abs(value);
  if (size >= 99.95) return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
  if (size < 0.001) return value === 0 ? "0" : value.toPrecision(1);
  const text = value.toFixed(size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
  return text.replace(/\.?0+$/, "");
}

function scaled(value, steps) {
  if (!isKnown(value)) return "–";
  const step = steps.find(([least]) => Math.abs(value) >= least) || steps[steps.length - 1];
  return digits(value / step[1]) + (step[2] ? "\u00a0" + step[2] : "");
}

const units = {
  count: (value) => scaled(value, [[0, 1, ""]]),
  share: (value) => scaled(isKnown(value) ? value * 100 : null, [[0, 1, "%"]]),
  us: (value) => scaled(value, [[999500, 1e6, "s"], [999.5, 1e3, "ms"], [0, 1, "µs"]]),
  bytes: (value) => scaled(value, [[1 << 30, 1 << 30, "GiB"], [1 << 20, 1 << 20, "MiB"], [1024, 1024, "KiB"], [0, 1, "B"]]),
};

/* For axes and narrow places: 1k, 10M. */
function short(value, unit) {
  if (unit === "us") return units.us(value);
  if (unit === "bytes") return units.bytes(value);
  if (value >= 1e6) return digits(value / 1e6) + "M";
  return value >= 1e3 ? digits(value / 1e3) + "k" : digits(value);
}

/* --- models --- */

/* Colours that tell families apart: threads are warm, select and poll violet, epoll blue, what goes beyond it green.
   Dashes repeat the family for whoever sees colours otherwise. By name; others get what is left. */
const looks = {
  one: ["#6b7280", "#a3abb8", [2, 4]],
  prefork: ["#9f1239", "#fb7185", [8, 4]],
  threads: ["#c2410c", "#fb923c", [8, 4]],
  "thread-pool": ["#a16207", "#facc15", [8, 4]],
  select: ["#7c3aed", "#b79cff", [3, 3]],
  poll: ["#b01fb8", "#ee8bf5", [3, 3]],
  fork: ["#7f1d1d", "#fca5a5", [8, 4]],
  spin: ["#52525b", "#d4d4d8", [2, 4]],
  libevent: ["#155e75", "#67e8f9", [6, 2]],
  libuv: ["#3f6212", "#bef264", [6, 2]],
  libev: ["#6d28d9", "#c4b5fd", [6, 2]],
  shared: ["#b45309", "#fcd34d", [10, 3, 2, 3]],
  exclusive: ["#be185d", "#f472b6", [10, 3, 2, 3]],
  reuseport: ["#047857", "#6ee7b7", [10, 3, 2, 3]],
  "epoll-mt": ["#1e3a8a", "#93c5fd", [8, 4]],
  "epoll-veth": ["#0c4a6e", "#7dd3fc", [2, 4]],
  "af-xdp": ["#166534", "#86efac", [2, 4]],
  dpdk: ["#7e22ce", "#d8b4fe", [2, 4]],
};
const spare = [
  ["#0369a1", "#38bdf8", []], ["#1d4ed8", "#7da2ff", []], ["#dc2626", "#f87171", []], ["#0f766e", "#2dd4bf", []],
  ["#4d7c0f", "#a3e635", [10, 3, 2, 3]], ["#db2777", "#f9a8d4", [10, 3, 2, 3]], ["#08734f", "#62dba8", []],
  ["#78716c", "#c4b8ae", [10, 3, 2, 3]],
];

const darkScheme = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => darkScheme.matches;

function giveLooks(models) {
  let next = 0;
  for (const model of models) model.look = looks[model.name] || spare[next++ % spare.length];
}

const colourOf = (model) => model.look[isDark() ? 1 : 0];

function swatch(model) {
  return make("svg:svg", {class: "swatch", viewBox: "0 0 24 12", "aria-hidden": "true"},
    make("svg:line", {x1: 1, x2: 23, y1: 6, y2: 6, "stroke-dasharray": model.look[2].join(" ") || null}));
}

/* Everything that shows a model takes its colour from --model; by the style object, which the page's policy allows. */
function coloured(element, model) {
  element.dataset.model = model.name;
  element.style.setProperty("--model", colourOf(model));
  return element;
}

function recolour(models) {
  const byName = new Map(models.map((model) => [model.name, model]));
  for (const element of document.querySelectorAll("[data-model]"))
    element.style.setProperty("--model", colourOf(byName.get(element.dataset.model)));
}

const label = (model) => coloured(make("span", {class: "model"}, swatch(model), model.title), model);
