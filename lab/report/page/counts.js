/* Tables of docs/lab/counts.json, which tools/count-lab wrote when this version was made: they are part of the page. */

/* The models of the run that have this part, with it. */
function counted(models, counts, part) {
  return models.filter((model) => counts[model.name]?.[part]).map((model) => [model, counts[model.name][part]]);
}

const seconds = (value) => units.us(isKnown(value) ? value * 1e6 : null);

function fillCalls(into, models, counts) {
  const shown = counted(models, counts, "batches");
  shown.sort(([, a], [, b]) => a.calls_per_answer - b.calls_per_answer);
  const scale = logScale(shown.map(([, batches]) => batches.calls_per_answer).concat(1), 2);
  into.append(drawnTable("System calls", [axisHead(scale, "count", "System calls for an answer, logarithmic"),
    heads("for an answer", "with a connection each", "tasks born for it")],
  shown.map(([model, batches]) => {
    const {connections} = counts[model.name];
    return rowOf(model, drawing(scale, bar(scale, batches.calls_per_answer)), figure(units.count(batches.calls_per_answer)),
      figure(units.count(connections.calls_per_connection)), figure(units.count(connections.births_per_connection)));
  })));
}

function fillBursts(into, models, counts, settings) {
  const shown = counted(models, counts, "burst");
  shown.sort(([a], [b]) => counts[a.name].queue.last_s - counts[b.name].queue.last_s);
  const scale = logScale(shown.map(([model]) => counts[model.name].queue.last_s * 1e6));
  into.append(drawnTable("Bursts and queues", [axisHead(scale, "us", "Time until the last of a queue is served, logarithmic"),
    heads(`the last of ${settings.queued}`, "at least", "answered", "closed", "silent", "held in little memory")],
  shown.map(([model, burst]) => {
    const {queue, limited} = counts[model.name];
    const held = limited ? (limited.held === limited.tried ? "≥\u202f" : "") + units.count(limited.held) : "–";
    return rowOf(model, drawing(scale, bar(scale, queue.last_s * 1e6)), figure(seconds(queue.last_s)), figure(seconds(queue.least_s)),
      figure(units.count(burst.answered)), figure(units.count(burst.closed)), figure(units.count(burst.silent)), figure(held));
  })));
}

function fillSharing(into, models, counts) {
  const shown = counted(models, counts, "sharing");
  byId("sharing").hidden = shown.length === 0;
  if (shown.length === 0) return;
  const scale = logScale(shown.map(([, sharing]) => sharing.wake_ups_per_connection).concat(0.5), 2);
  into.append(drawnTable("Who gets a new connection", [axisHead(scale, "count", "Wake-ups for a connection, logarithmic"),
    heads("wake-ups for a connection", "of 20 each loop got", `of ${shown[0][1].connections}`)],
  shown.map(([model, sharing]) => rowOf(model, drawing(scale, bar(scale, sharing.wake_ups_per_connection)),
    figure(units.count(sharing.wake_ups_per_connection)), figure(sharing.shares_of_20.join(" / ")), figure(sharing.shares.join(" / "))))));
}

function fillCounts(all, models) {
  const {models: counts, settings} = all;
  const known = models.filter((model) => counts[model.name]);
  byId("counts").hidden = known.length === 0;
  if (known.length === 0) return;
  const atOnce = Math.max(...Object.values(counts).map((count) => count.batches.at_once));
  byId("counts-text").textContent = `Not of this run: counted on ${settings.cores} cores when this version of vif was made, as other work on a ` +
    `machine does not change a count. System calls for an answer, with ${atOnce} requests at once on kept connections, and with a connection ` +
    "for each; and threads or processes that are born for one.";
  byId("bursts-text").textContent = `${units.count(settings.queued)} clients at once whose requests take 50 ms each: when the last one is ` +
    `served, and the least that arithmetic allows. ${units.count(settings.burst)} clients at once: who got an answer, was closed without one, ` +
    `or heard nothing. Clients that could be held with ${units.bytes(settings.limit_bytes)} of address space.`;
  fillCalls(byId("calls-table"), known, counts);
  fillBursts(byId("bursts-table"), known, counts, settings);
  fillSharing(byId("sharing-table"), known, counts);
}
