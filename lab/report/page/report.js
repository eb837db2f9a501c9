/* Puts the page together from the run that stands in it. */

/* The middle of what was measured, 100 connections where there were as many: what most servers see most of the time. */
function usualConnections(models) {
  const counts = [...new Set(models.flatMap((model) => model.throughput.map((point) => point.connections)))].sort((a, b) => a - b);
  return counts.includes(100) ? 100 : counts[Math.floor(counts.length / 2)];
}

function fillHeader(run, models) {
  const {machine} = run;
  const minutes = run.duration_s < 90 ? `${Math.round(run.duration_s)} s` : `${Math.round(run.duration_s / 60)} min`;
  byId("lead").textContent = `${models.length} ways to serve the same files with the same HTTP engine, by turns ` +
    "under the same load, on this machine.";
  const facts = [
    ["Processor", machine.cpu],
    ["Cores", `${machine.cores}: server on ${machine.server_cores.join(", ")}, clients on ${machine.client_cores.join(", ")}`],
    ["Kernel", machine.kernel], ["Memory", units.bytes(machine.memory_bytes)], ["Descriptors", units.count(machine.descriptors_max)],
    ["When", `${run.started.replace("T", " ").replace("Z", " UTC")}, ${minutes}${run.mode === "quick" ? ", quick" : ""}`],
  ];
  byId("machine").append(...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))));
  byId("version").textContent = run.vif_version;
  const notes = models.filter((model) => model.fault).map((model) => `The model ${model.name} ${model.fault}.`);
  if (run.interrupted) notes.push("This run was interrupted: what stands here is what had been measured by then.");
  if (run.mode === "quick") notes.push("A quick run: each figure is of a second or less, and wanders by a tenth or more from run to run.");
  const busy = isKnown(run.others_cpu_share) ? run.others_cpu_share > 0.05 : machine.load_average_before > machine.cores / 4;
  const how = isKnown(run.others_cpu_share) ? `other work took ${Math.round(100 * run.others_cpu_share)} % of its processors during the run` : `its load was ${digits(machine.load_average_before)} when it began`;
  if (busy) notes.push(`The machine was busy: ${how}. Trust the CPU time of a request more than requests per second.`);
  byId("notes").textContent = notes.join(" ");
  byId("notes").hidden = notes.length === 0;
}

function fillRecords(models, connections) {
  const at = (key) => (model) => {
    const point = pointAt(model, connections);
    return point && !isOverloaded(model, point) ? point[key] : null;
  };
  const records = [
    ["Most requests per second", at("requests_per_s"), "count", -1],
    ["Least CPU time for a request", at("cpu_us_per_request"), "us", 1],
    ["Least memory for an idle connection", (model) => model.idle?.memory_bytes_per_connection, "bytes", 1],
    ["Least harmed by blocking (p99)", (model) => (model.blocking && !isUnanswered(model.blocking.with) ? model.blocking.with.latency_p99_us : null), "us", 1],
  ];
  for (const [what, value, unit, direction] of records) {
    const known = models.filter((model) => isKnown(value(model)));
    if (known.length === 0) continue;
    const best = known.reduce((a, b) => ((value(b) - value(a)) * direction < 0 ? b : a));
    byId("records").append(make("li", {}, make("span", {class: "what"}, what),
      make("span", {class: "figure"}, units[unit](value(best))), make("span", {class: "who"}, label(best))));
  }
}

/* Those that are busy alone, and then the same among more and more idle ones. */
function mostlyIdlePoints(run) {
  return (model) => model.throughput.filter((point) => point.connections === run.settings.busy_connections).concat(model.mostly_idle);
}

function fillPlots(run, models) {
  const measured = models.filter((model) => model.throughput.length > 0);
  byId("throughput").hidden = measured.length === 0;
  if (measured.length === 0) return;
  fillLegend(byId("legend"), measured);
  const into = byId("plots");
  addPlot(into, measured, {
    title: "Requests per second", unit: "count", keys: [{key: "requests_per_s"}],
    text: "Higher is better. One connection waits for each answer: the first point is the time of a round trip.",
  });
  addPlot(into, measured, {
    title: "Time until the answer", unit: "us", choice: 1,
    keys: [{key: "latency_p50_us", name: "p50"}, {key: "latency_p99_us", name: "p99"}, {key: "latency_p999_us", name: "p99.9"}],
    text: "Lower is better. Of those that were answered; it grows with the connections, which wait for one another.",
  });
  addPlot(into, measured, {
    title: "CPU time of a request", unit: "us", keys: [{key: "cpu_us_per_request"}],
    text: "Lower is better. The server alone, user and system: the figure that other work on the machine disturbs least.",
  });
  addPlot(into, measured, {
    title: "Context switches of a request", unit: "count",
    keys: [{key: "voluntary_switches_per_request", name: "waited"}, {key: "involuntary_switches_per_request", name: "preempted"}],
    text: "How often one of the server's threads gave up its core, to wait or because its time was up.",
  });
  const asked = measured.filter((model) => model.mostly_idle.length > 0);
  if (asked.length > 0) {
    addPlot(into, asked, {
      title: "A few among many that are idle", unit: "us", pointsOf: mostlyIdlePoints(run),
      keys: [{key: "cpu_us_per_request", name: "CPU"}, {key: "latency_p99_us", name: "p99"}],
      text: `Lower is better. ${run.settings.busy_connections} connections ask, all others only stay: what a request costs, with as many connections in all as the axis says.`,
    });
  }
}

function show(id, models, name, fill) {
  const has = models.some((model) => (Array.isArray(model[name]) ? model[name].length : model[name]));
  byId(id).hidden = !has;
  if (has) fill();
}

function fillScenarios(run, models) {
  const {settings} = run;
  show("idle", models, "idle", () => {
    byId("idle-text").textContent = `${units.count(settings.idle_connections)} clients connect, ask once, and then only stay. What the server's ` +
      "processes grew by, divided by the connections: memory of their own, their page tables and the kernel's stacks of their threads. " +
      "The socket itself is the same for all, and not in it.";
    fillIdle(byId("idle-table"), models);
  });
  show("slow", models, "slow", () => {
    byId("slow-text").textContent = `${settings.slow_fast_connections} quick clients ask ${units.count(settings.slow_requests_per_s)} times a second; ` +
      `then the same with ${settings.slow_drip_clients} beside them that send a request byte by byte, and ${settings.slow_read_clients} that read a large file drop by drop.`;
    fillPairs(byId("slow-table"), models, "slow", "Slow clients among fast ones",
      {before: "p99 of the quick clients alone", after: "p99 with slow clients beside them", rate: settings.slow_requests_per_s, timeout_us: settings.answer_timeout_ms * 1000});
  });
  show("blocking", models, "blocking", () => {
    const rate = settings.blocking_requests_per_s;
    byId("blocking-text").textContent = `${units.share(settings.blocking_share)} of ${units.count(rate)} requests a second goes to a handler that sleeps for ` +
      `${settings.blocking_ms} ms, on ${settings.blocking_connections} connections. What do the others feel, whose handler takes microseconds?`;
    fillPairs(byId("blocking-table"), models, "blocking", "A handler that blocks",
      {before: "p99 when nothing blocks", after: "p99 of the requests that do not block themselves", rate: rate * (1 - settings.blocking_share),
        timeout_us: settings.answer_timeout_ms * 1000});
  });
  show("limit", models, "limit", () => {
    byId("limit-text").textContent = "More and more clients connect, ask once and stay, until one is refused, reset or left without an answer for " +
      `${units.us(settings.answer_timeout_ms * 1000)}; at most ${units.count(settings.limit_connections)}, which is what this machine lets one process have.`;
    fillLimits(byId("limit-table"), models);
  });
}

function card(model, connections) {
  const point = pointAt(model, connections);
  const facts = model.unavailable ? [["Not available here", model.unavailable]] : [
    ["Requests per second", units.count(point?.requests_per_s)],
    ["CPU time of a request", units.us(point?.cpu_us_per_request)],
    ["of it in the kernel", point ? units.share(point.system_cpu_share) : "–"],
    ["Memory of a connection", units.bytes(model.idle?.memory_bytes_per_connection)],
    ["Connections held", model.limit ? (model.limit.has_held_all ? "≥\u202f" : "") + units.count(model.limit.connections) : "–"],
  ];
  return coloured(make("article", {}, make("header", {}, make("h3", {}, model.title), make("code", {}, model.name)),
    make("p", {}, model.idea), make("p", {class: "breaks"}, make("strong", {}, "Breaks: "), model.breaks),
    make("dl", {}, facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]))), model);
}

function fillMethod(run) {
  const {settings} = run;
  const texts = [
    `Each model is started anew for every figure, in a process of its own, on a socket of 127.0.0.1; it is stopped by SIGTERM, and its end is waited for. The load comes from another process on other cores. After ${units.us(settings.warm_up_ms * 1000)} of warming up, ${units.us(settings.duration_ms * 1000)} are measured.`,
    "CPU time and context switches are the kernel's counts for all processes and threads of the model, between two moments inside the measured time. Loopback costs less than a network, and the kernel does part of the client's work on the server's account: the figures compare models with one another.",
    "Slow clients and blocking handlers are measured at a constant rate: a request's time begins when it was due, not when a client was free to send it, so that waiting is not left out.",
    "All figures, with their units in their names, are in lab.json beside this page.",
  ];
  byId("method").append(...texts.map((text) => make("p", {}, text)));
}

/* Where the load generator itself was the limit, requests per second are too few. */
function clientBound(models, connections) {
  const names = models.filter((model) => pointAt(model, connections)?.is_client_bound).map((model) => model.name);
  return names.length === 0 ? "" :
    ` The clients' own core was full with ${names.join(", ")}: these could do more, and CPU time says how much.`;
}

function main() {
  const run = JSON.parse(byId("data").textContent);
  const {models} = run;
  giveLooks(models);
  const connections = usualConnections(models);
  fillHeader(run, models);
  fillRecords(models, connections);
  fillSummary(byId("summary"), models, connections, run.settings.answer_timeout_ms * 1000);
  byId("summary-note").textContent = connections === undefined ? "" :
    `Requests, CPU time, p99 and switches with ${units.count(connections)} connections. A press on a heading sorts.` +
    clientBound(models, connections);
  fillPlots(run, models);
  fillScenarios(run, models);
  fillCounts(JSON.parse(byId("counted").textContent), models);
  byId("cards").append(...models.map((model) => card(model, connections)));
  fillMethod(run);
  darkScheme.addEventListener("change", () => {
    recolour(models);
    plots.forEach((plot) => plot.chart.redraw());
  });
  document.querySelectorAll(".scroll").forEach(watchScrolling);
  document.documentElement.dataset.ready = "yes";
}

main();
