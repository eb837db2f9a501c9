"use strict";
/* Each event has counters since the start; what is shown are differences between two of them. */
const KEPT = 120;
const WARNED_DAYS = 14;
const charts = [
  {title: "Requests/s", format: compact, lines: [["a", "2xx"], ["b", "3xx"], ["c", "4xx"], ["d", "5xx"]]},
  {title: "Time of a request", format: duration, lines: [["a", "p50"], ["b", "p90"], ["c", "p99"]]},
  {title: "Connections", format: compact, lines: [["a", "busy"], ["b", "idle"]]},
  {title: "Sent/s", format: size, isBinary: true, lines: [["a", "bytes"]]},
];
const samples = [];
let last = null;

function compact(value) {
  return new Intl.NumberFormat("en", {notation: value < 10000 ? "standard" : "compact", maximumFractionDigits: value < 10 ? 1 : 0}).format(value);
}
function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
  return (bytes < 10 && unit ? bytes.toFixed(1) : Math.round(bytes)) + " " + units[unit];
}
function duration(us) {
  if (us == null) return "–";
  return us < 1000 ? Math.round(us) + " µs" : us < 1e6 ? (us / 1000).toPrecision(3) + " ms" : (us / 1e6).toPrecision(3) + " s";
}
/* Within a bucket, in proportion; of the last one only the lower bound is known. */
function percentile(bounds, counts, share) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let below = 0;
  for (let i = 0; i < counts.length; i++) {
    if (below + counts[i] >= share * total && counts[i] > 0) {
      const from = i > 0 ? bounds[i - 1] : 0;
      const to = i < bounds.length ? bounds[i] : from;
      return from + (to - from) * (share * total - below) / counts[i];
    }
    below += counts[i];
  }
  return bounds[bounds.length - 1];
}
function grown(now, before) {
  return Math.max(0, now - before);
}
function compare(now, before, seconds) {
  const rate = (name) => grown(now.total[name], before.total[name]) / seconds;
  const sum = now.durations.bounds_us.concat(0).map((_, i) => ["2xx", "3xx", "4xx", "5xx"].reduce(
    (all, name) => all + grown(now.durations[name][i], before.durations[name][i]), 0));
  const at = (share) => percentile(now.durations.bounds_us, sum, share);
  return {
    rate: rate("requests"), "2xx": rate("responses_2xx"), "3xx": rate("responses_3xx"), "4xx": rate("responses_4xx"),
    "5xx": rate("responses_5xx"), p50: at(.5), p90: at(.9), p99: at(.99), bytes: rate("bytes_sent"),
    idle: now.total.connections_idle, busy: now.total.connections_open - now.total.connections_idle,
    routes: Object.fromEntries(now.routes.map((route) => {
      const former = before.routes.find((other) => other.site === route.site && other.route === route.route);
      return [route.site + " " + route.route, grown(route.requests, former ? former.requests : 0) / seconds];
    })),
    workers: now.workers.map((worker, i) => grown(worker.requests, before.workers[i] ? before.workers[i].requests : 0) / seconds),
  };
}
function element(parent, name, text, attributes) {
  const made = name === "svg" || parent.namespaceURI.endsWith("svg")
    ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const key in attributes || {}) made.setAttribute(key, attributes[key]);
  if (text != null) made.textContent = text;
  return parent.appendChild(made);
}
function build() {
  for (const chart of charts) {
    const figure = element(document.getElementById("charts"), "figure");
    const caption = element(figure, "figcaption", chart.title);
    const legend = element(caption, "span");
    for (const [hue, name] of chart.lines) if (chart.lines.length > 1) element(legend, "i", name, {class: hue});
    chart.svg = element(figure, "svg", null, {viewBox: "0 0 119 100", preserveAspectRatio: "none", role: "img"});
    for (const y of [0, 50, 100]) element(chart.svg, "line", null, {x1: 0, x2: 119, y1: y, y2: y});
    chart.paths = chart.lines.map(([hue]) => element(chart.svg, "path", null, {class: hue}));
    const axis = element(figure, "div", null, {class: "axis"});
    element(axis, "span", "2 minutes ago");
    chart.most = element(axis, "span");
    element(axis, "span", "now");
  }
}
/* The end of a scale: the next round number, of bytes the next power of two. */
function round(value, isBinary) {
  if (isBinary) return 2 ** Math.ceil(Math.log2(Math.max(value, 1024)));
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((bound) => bound >= value);
}
function draw(chart) {
  const values = samples.flatMap((sample) => chart.lines.map(([, name]) => sample[name] || 0));
  const most = round(Math.max(1, ...values), chart.isBinary);
  const right = (i) => 119 - (samples.length - 1 - i);
  chart.paths.forEach((path, line) => {
    const name = chart.lines[line][1];
    let pen = "M";
    let route = "";
    if (line > 0 && samples.every((sample) => !sample[name])) return path.setAttribute("d", "");
    samples.forEach((sample, i) => {
      if (sample[name] == null) { pen = "M"; return; }
      route += pen + right(i) + " " + (100 - sample[name] / most * 100).toFixed(2);
      pen = "L";
    });
    path.setAttribute("d", route);
  });
  chart.most.textContent = "up to " + chart.format(most);
  const now = samples[samples.length - 1];
  chart.svg.setAttribute("aria-label", chart.title + ": " + chart.lines.map(([, name]) => name + " " + chart.format(now[name] || 0)).join(", "));
}
function show(id, text) {
  document.getElementById(id).textContent = text;
}
/* Cells are texts, or {text, class}. */
function fill(id, rows) {
  const body = document.createDocumentFragment();
  for (const [head, ...cells] of rows) {
    const row = document.createElement("tr");
    element(row, "th", head, {scope: "row"});
    for (const cell of cells) element(row, "td", cell.text ?? cell, cell.class ? {class: cell.class, title: cell.text} : {});
    body.appendChild(row);
  }
  document.getElementById(id).replaceChildren(body);
}
function words(text) {
  return {text, class: "text"};
}
function state(name, text) {
  const place = document.getElementById("state");
  if (place.dataset.state !== name) place.dataset.state = name;
  if (place.textContent !== text) place.textContent = text;
}
function uptime(seconds) {
  const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
  return days > 0 ? days + " d " + hours + " h" : hours > 0 ? hours + " h " + minutes + " min" : minutes > 0 ? minutes + " min" : seconds + " s";
}
function render(now) {
  const sample = samples[samples.length - 1];
  show("version", now.version);
  if (now.ready) state("live", "up for " + uptime(now.uptime_seconds));
  else state("ending", "shutting down");
  show("open", compact(now.total.connections_open));
  if (sample) {
    show("rate", compact(sample.rate));
    show("p50", duration(sample.p50));
    show("p99", duration(sample.p99));
    show("bytes", size(sample.bytes));
    show("errors", compact(sample["4xx"] + sample["5xx"]));
    charts.forEach(draw);
  }
  fill("workers", now.workers.map((worker, i) => [String(i), sample ? compact(sample.workers[i]) : "–", compact(worker.requests),
    compact(worker.connections_open), compact(worker.connections_idle), size(worker.bytes_sent),
    worker.cache_hits + worker.cache_misses > 0 ? Math.round(100 * worker.cache_hits / (worker.cache_hits + worker.cache_misses)) + " %" : "–",
    compact(worker.stalls)]));
  const bounds = now.durations.bounds_us;
  fill("routes", now.routes.filter((route) => route.requests > 0).map((route) => [route.route, words(route.site),
    sample ? compact(sample.routes[route.site + " " + route.route] || 0) : "–", compact(route.requests),
    duration(percentile(bounds, route.durations, .5)), duration(percentile(bounds, route.durations, .99)),
    compact(route.responses_4xx), compact(route.responses_5xx)]));
  document.getElementById("slow").hidden = now.slowest.length === 0;
  fill("slowest", now.slowest.map((slow) => [slow.method + " " + slow.target, words(slow.host), String(slow.status), duration(slow.duration_us),
    ...["head", "queue", "handler", "upstream", "send"].map((phase) => slow[phase + "_us"] ? duration(slow[phase + "_us"]) : "–"),
    new Date(slow.time * 1000).toLocaleTimeString(), slow.request_id || "–"]));
  document.getElementById("forwarding").hidden = now.servers.length === 0;
  fill("servers", now.servers.map((server) => [server.server, words(server.route),
    words(server.up ? "up" : server.reason ? "down: " + server.reason : "left out"),
    compact(server.in_use), compact(server.requests), compact(server.failures), compact(server.errors)]));
  const certificates = now.certificates.filter((one, i, all) => all.findIndex((other) => other.file === one.file) === i);
  document.getElementById("secure").hidden = certificates.length === 0;
  fill("certificates", certificates.sort((one, other) => one.expires - other.expires).map((one) => {
    const days = Math.floor((one.expires * 1000 - Date.now()) / 86400e3);
    return [one.file, new Date(one.expires * 1000).toLocaleDateString(), {text: days < 0 ? "expired" : String(days), class: days < WARNED_DAYS ? "bad" : ""}];
  }));
  document.getElementById("changes").hidden = now.reloads.length === 0;
  fill("reloads", now.reloads.map((reload) => [new Date(reload.time * 1000).toLocaleString(),
    {text: reload.result, class: reload.result === "in force" ? "text" : "text bad"},
    {text: reload.text.trimEnd() || "nothing has changed", class: "text lines"}]));
  if (document.querySelector("details").open) fill("counters", Object.entries(now.total).map(([name, value]) => [name, value.toLocaleString("en")]));
}
function take(event) {
  const now = JSON.parse(event.data);
  const at = performance.now();
  if (last && now.uptime_seconds >= last.now.uptime_seconds - 1) {
    samples.push(compare(now, last.now, Math.max(.1, (at - last.at) / 1000)));
    samples.splice(0, samples.length - KEPT);
  }
  last = {now, at};
  render(now);
}
build();
// A browser connects again by itself after a lost connection, but not after an error such as 503.
function connect() {
  const source = new EventSource("/events");
  source.onmessage = take;
  source.onerror = () => {
    state("lost", "no connection; trying again");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
}
connect();
document.querySelector("details").addEventListener("toggle", () => last && render(last.now));
