/* Tables: the summary, which sorts, and those whose rows are drawn. */

/* --- drawn rows --- */

/* A logarithmic scale from 0 to 100 per cent of a drawing's width, with a tick at each power of `base`. */
function logScale(values, base = 10) {
  const power = (value) => Math.log(value) / Math.log(base);
  const known = values.filter((value) => isKnown(value) && value > 0);
  const low = Math.floor(power(Math.min(...known)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(power(Math.max(...known)) - 1e-9));
  const at = (value) => Math.max(0, (power(value) - low) / (high - low)) * 100;
  const ticks = Array.from({length: high - low + 1}, (unused, i) => base ** (low + i));
  return {at, ticks};
}

function percent(value) {
  return `${value.toFixed(2)}%`;
}

function grid(scale) {
  return scale.ticks.map((tick) => make("svg:line", {class: "grid", x1: percent(scale.at(tick)), x2: percent(scale.at(tick)), y1: 0, y2: "100%"}));
}

function axisHead(scale, unit, words) {
  const anchor = (i) => (i === 0 ? "start" : i === scale.ticks.length - 1 ? "end" : "middle");
  const step = scale.ticks.length > 6 ? 2 : 1;
  return make("th", {class: "draw", scope: "col"}, make("svg:svg", {role: "img", "aria-label": words}, scale.ticks.map((tick, i) =>
    (i % step ? null : make("svg:text", {x: percent(scale.at(tick)), y: "75%", "text-anchor": anchor(i)}, short(tick, unit))))));
}

function drawing(scale, ...marks) {
  return make("td", {class: "draw"}, make("svg:svg", {"aria-hidden": "true"}, grid(scale), marks));
}

const bar = (scale, value) => (isKnown(value) && value > 0
  ? make("svg:rect", {class: "bar", x: 0, y: "28%", height: "44%", rx: 2, width: percent(Math.max(0.4, scale.at(value)))}) : null);

const dot = (scale, value, kind) => (isKnown(value) && value > 0
  ? make("svg:circle", {class: kind, cx: percent(scale.at(value)), cy: "50%", r: 5}) : null);

/* Where it went on past what clients wait. */
function cross(scale, value) {
  const at = percent(scale.at(value));
  const half = 5;
  return make("svg:svg", {x: at, y: "50%", overflow: "visible"}, make("svg:path", {class: "cross", d: `M-${half} -${half}L${half} ${half}M-${half} ${half}L${half} -${half}`}));
}

const line = (scale, from, to, kind) => (isKnown(from) && isKnown(to)
  ? make("svg:line", {class: kind, x1: percent(scale.at(from)), x2: percent(scale.at(to)), y1: "50%", y2: "50%"}) : null);

/* Shadows say on which side there is more to be scrolled to. */
function watchScrolling(box) {
  const update = () => {
    box.classList.toggle("more-left", box.scrollLeft > 1);
    box.classList.toggle("more-right", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
  };
  box.addEventListener("scroll", update, {passive: true});
  new ResizeObserver(update).observe(box);
  update();
}

function drawnTable(caption, head, rows) {
  return make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption},
    make("table", {class: "drawn"}, make("thead", {}, make("tr", {}, make("th", {scope: "col"}, "Model"), head)),
      make("tbody", {}, rows)));
}

const heads = (...names) => names.map((name) => make("th", {scope: "col", class: "number"}, name));
const figure = (text) => make("td", {class: text === "–" ? "number absent" : "number"}, text);
const rowOf = (model, ...cells) => coloured(make("tr", {}, make("th", {scope: "row"}, label(model)), cells), model);

function key(...entries) {
  const marks = {
    before: () => make("svg:circle", {class: "before", cx: 12, cy: 6, r: 5}),
    after: () => make("svg:circle", {class: "after", cx: 12, cy: 6, r: 5}),
    cross: () => make("svg:path", {class: "cross", d: "M7 1L17 11M7 11L17 1"}),
    tail: () => make("svg:line", {class: "tail", x1: 0, x2: 24, y1: 6, y2: 6}),
  };
  return make("div", {class: "key"}, entries.map(([mark, text]) => make("span", {},
    make("svg:svg", {viewBox: "0 0 24 12", "aria-hidden": "true"}, marks[mark]()), text)));
}

/* --- the scenarios' tables --- */

function fillIdle(into, models) {
  const shown = models.filter((model) => model.idle);
  const total = ({idle}) => idle.memory_bytes_per_connection + idle.page_table_bytes_per_connection + idle.kernel_stack_bytes_per_connection;
  shown.sort((a, b) => total(a) - total(b));
  const scale = logScale(shown.map(total).concat(64), 4);
  into.append(drawnTable("Memory per idle connection",
    [axisHead(scale, "bytes", "Bytes, logarithmic"), heads("memory", "of it kernel stacks", "page tables", "threads", "descriptors")],
    shown.map((model) => rowOf(model, drawing(scale, bar(scale, total(model))), figure(units.bytes(total(model))),
      figure(units.bytes(model.idle.kernel_stack_bytes_per_connection)), figure(units.bytes(model.idle.page_table_bytes_per_connection)),
      figure(units.count(model.idle.threads_per_connection)), figure(units.count(model.idle.descriptors_per_connection))))));
}

/* Where one request in a hundred had no answer, p99 is longer than the clients' timeout. */
const isUnanswered = (load) => load.requests_unanswered * 99 > load.requests;

const p99Of = (load, timeout) => (isUnanswered(load) ? timeout : load.latency_p99_us);

const waitText = (load, timeout) => (isUnanswered(load) ? `>\u202f${units.us(timeout)}` : units.us(load.latency_p99_us));

/* Two loads, one without and one with what disturbs: p99 before and after, and on to p99.9. */
/* A busy machine: the wait was the client's own. */
function lateNote(models, name) {
  const late = models.filter((model) => model[name].with.is_client_late).map((model) => model.name);
  return late.length === 0 ? "" : make("p", {class: "note"},
    `The clients had no core when requests were due, which is in the times of ${late.join(", ")}: the machine was busy.`);
}

function fillPairs(into, models, name, caption, texts) {
  const shown = models.filter((model) => model[name]);
  const timeout = texts.timeout_us;
  const after = (model) => p99Of(model[name].with, timeout);
  const values = shown.flatMap((model) => [p99Of(model[name].without, timeout), after(model), model[name].with.latency_p999_us]);
  shown.sort((a, b) => after(a) - after(b) || b[name].with.requests - a[name].with.requests);
  const scale = logScale(values);
  into.append(drawnTable(caption, [axisHead(scale, "us", "Time until the answer, logarithmic"), heads("p99 without", "p99 with", "p50 with", "answered")],
    shown.map((model) => {
      const {without, with: disturbed} = model[name];
      const lost = isUnanswered(disturbed);
      const from = p99Of(without, timeout);
      return rowOf(model, drawing(scale, lost ? null : line(scale, disturbed.latency_p99_us, disturbed.latency_p999_us, "tail"),
        line(scale, from, after(model), "range"), dot(scale, from, "before"),
        lost ? cross(scale, timeout) : dot(scale, disturbed.latency_p99_us, "after")),
      figure(waitText(without, timeout)), figure(waitText(disturbed, timeout)), figure(units.us(disturbed.latency_p50_us)),
      figure(units.share(Math.min(1, disturbed.requests_per_s / texts.rate))));
    })), lateNote(shown, name), key(["before", texts.before], ["after", texts.after], ["tail", "and on to p99.9"], ["cross", "more than 1 % had no answer"]));
}

function fillLimits(into, models) {
  const shown = models.filter((model) => model.limit);
  shown.sort((a, b) => a.limit.connections - b.limit.connections);
  const scale = logScale([1, ...shown.map((model) => model.limit.connections)]);
  into.append(drawnTable("Connections that were held", [axisHead(scale, "count", "Connections, logarithmic"), heads("connections"), make("th", {scope: "col"}, "what happened then")],
    shown.map((model) => rowOf(model, drawing(scale, bar(scale, Math.max(1.05, model.limit.connections))),
      figure((model.limit.has_held_all ? "≥\u202f" : "") + units.count(model.limit.connections)), make("td", {class: "how"}, model.limit.how)))));
}

/* --- the summary --- */

/* More connections than the model serves: the others only wait. */
const isOverloaded = (model, point) => point !== undefined && (point.requests_unanswered > 0 || (model.connections_max !== null && point.connections > model.connections_max));

const pointAt = (model, connections) => model.throughput.find((point) => point.connections === connections);

function summaryColumns(connections, timeout) {
  const at = (key) => (model) => pointAt(model, connections)?.[key];
  const disturbed = (name) => (model) => model[name] && p99Of(model[name].with, timeout);
  const textOf = (name) => (model) => waitText(model[name].with, timeout);
  return [
    {name: "requests/s", value: at("requests_per_s"), unit: "count", best: "most"},
    {name: "CPU a request", value: at("cpu_us_per_request"), unit: "us", best: "least"},
    {name: "p99", value: at("latency_p99_us"), unit: "us", best: "least"},
    {name: "switches a request", value: (model) => {
      const point = pointAt(model, connections);
      const kinds = point ? [point.voluntary_switches_per_request, point.involuntary_switches_per_request] : [];
      return point && kinds.every(isKnown) ? kinds[0] + kinds[1] : null;
    }, unit: "count", best: "least"},
    {name: "memory a connection", value: (model) => model.idle?.memory_bytes_per_connection, unit: "bytes", best: "least"},
    {name: "p99, slow clients", value: disturbed("slow"), unit: "us", best: "least", text: textOf("slow")},
    {name: "p99, blocking", value: disturbed("blocking"), unit: "us", best: "least", text: textOf("blocking")},
    {name: "connections", value: (model) => model.limit?.connections, unit: "count", best: "most",
      text: (model) => (model.limit.has_held_all ? "≥\u202f" : "") + units.count(model.limit.connections)},
  ].map((column) => ({...column, value: (model) => {
    const value = column.value(model);
    return isKnown(value) ? value : null;
  }}));
}

/* Unknown values come last, whichever way it is sorted. */
function compare(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  return (a < b ? -1 : a > b ? 1 : 0) * direction;
}

function fillSummary(table, models, connections, timeout) {
  const all = summaryColumns(connections, timeout).filter((column) => models.some((model) => column.value(model) !== null));
  /* Who leaves clients without an answer holds no record. */
  for (const column of all) {
    const sound = models.filter((model) => !isOverloaded(model, pointAt(model, connections)));
    const values = sound.map(column.value).filter((value) => value !== null);
    column.record = column.best === "most" ? Math.max(...values) : Math.min(...values);
  }
  const body = make("tbody", {});
  const heads = [];
  const sort = (column, head) => {
    const first = column === null || column.best === "least" ? "ascending" : "descending";
    const was = head.getAttribute("aria-sort");
    const order = was === null ? first : was === "ascending" ? "descending" : "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    const value = column ? column.value : (model) => model.title.toLowerCase();
    const rows = [...models].sort((a, b) => compare(value(a), value(b), order === "ascending" ? 1 : -1));
    body.replaceChildren(...rows.map((model) => body.rowsOf.get(model)));
  };
  body.rowsOf = new Map(models.map((model) => [model, rowOf(model, model.unavailable
    ? make("td", {class: "absent", colspan: all.length}, `not available here: ${model.unavailable}`)
    : all.map((column) => {
      const value = column.value(model);
      return make("td", {class: value === null ? "number absent" : value === column.record ? "number best" : "number"}, value !== null && column.text ? column.text(model) : units[column.unit](value));
    }))]));
  for (const column of [null, ...all]) {
    const head = make("th", {scope: "col", class: column ? "number" : null});
    head.append(make("button", {type: "button", onclick: () => sort(column, head)}, column ? column.name : "Model"));
    heads.push(head);
  }
  body.append(...models.map((model) => body.rowsOf.get(model)));
  table.append(make("caption", {hidden: true}, "All models"), make("thead", {}, make("tr", {}, heads)), body);
}
