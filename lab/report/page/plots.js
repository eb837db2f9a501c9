/* Lines against the count of connections, drawn by uPlot. All plots share one legend: what is pointed at or pressed
   there stands out in each of them. */

const plots = [];
const pressed = new Set();
let pointed = null;

const standsOut = (model) => (pressed.size === 0 && pointed === null) || pressed.has(model.name) || pointed === model.name;

function emphasise() {
  for (const plot of plots) {
    plot.models.forEach((model, index) => {
      plot.chart.series[index + 1].alpha = standsOut(model) ? 1 : 0.13;
    });
    plot.chart.redraw(false);
  }
}

/* --- names at the ends of lines --- */

const LABEL_WIDTH = 92;
const LABEL_HEIGHT = 15;

/* Each name at the height of its line's last point, moved apart where two would touch. */
function placeLabels(chart, models) {
  const ends = [];
  models.forEach((model, index) => {
    const values = chart.data[index + 1];
    let last = values.length - 1;
    while (last >= 0 && !isKnown(values[last])) last--;
    if (last >= 0)
      ends.push({model, x: chart.valToPos(chart.data[0][last], "x"), end: chart.valToPos(values[last], "y")});
  });
  ends.sort((a, b) => a.end - b.end);
  const height = chart.over.clientHeight;
  ends.forEach((end, i) => {
    end.y = Math.max(end.end, i ? ends[i - 1].y + LABEL_HEIGHT : LABEL_HEIGHT / 2);
  });
  for (let i = ends.length - 1, most = height - LABEL_HEIGHT / 2; i >= 0; i--, most -= LABEL_HEIGHT)
    ends[i].y = Math.min(ends[i].y, most);
  return ends;
}

function drawLabels(chart, models) {
  const ratio = devicePixelRatio;
  const {left, top, width} = chart.bbox;
  const context = chart.ctx;
  context.save();
  context.font = `${11.5 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const {model, x, end, y} of placeLabels(chart, models)) {
    context.globalAlpha = standsOut(model) ? 1 : 0.25;
    context.strokeStyle = context.fillStyle = colourOf(model);
    context.lineWidth = ratio;
    context.beginPath();
    context.moveTo(left + (x + 6) * ratio, top + end * ratio);
    context.lineTo(left + width + 2 * ratio, top + end * ratio);
    context.lineTo(left + width + 9 * ratio, top + y * ratio);
    context.globalAlpha *= 0.45;
    context.stroke();
    context.globalAlpha /= 0.45;
    context.fillText(model.name, left + width + 12 * ratio, top + y * ratio);
  }
  context.restore();
}

/* --- what stands under the pointer --- */

function nearest(chart, models, index) {
  let best = null;
  let least = Infinity;
  models.forEach((model, i) => {
    const value = chart.data[i + 1][index];
    const distance = isKnown(value) ? Math.abs(chart.valToPos(value, "y") - chart.cursor.top) : Infinity;
    if (distance < least) [best, least] = [model, distance];
  });
  return best;
}

function showReading(plot) {
  const {chart, models, unit, reading} = plot;
  const index = chart.cursor.idx;
  reading.hidden = index === null || index === undefined || chart.cursor.left < 0;
  if (reading.hidden) return;
  const near = nearest(chart, models, index);
  const rows = models.map((model, i) => ({model, value: chart.data[i + 1][index]})).filter((row) => isKnown(row.value));
  rows.sort((a, b) => b.value - a.value);
  reading.replaceChildren(make("table", {}, make("caption", {}, `${units.count(chart.data[0][index])} connections`),
    make("tbody", {}, rows.map(({model, value}) => make("tr", {class: model === near ? "near" : null},
      make("th", {}, label(model)), make("td", {class: "number"}, units[unit](value)))))));
  const space = chart.over.clientWidth;
  const left = chart.cursor.left > space / 2 ? chart.cursor.left - reading.offsetWidth - 14 : chart.cursor.left + 14;
  reading.style.transform = `translate(${Math.round(left)}px, 4px)`;
}

/* --- one plot --- */

function cssColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* The powers of ten that hold all values; half a one where a whole one would leave most of the plot empty. */
function logRange(chart, least, most) {
  if (!isKnown(least) || !isKnown(most)) return [1, 10];
  const floor = 10 ** Math.floor(Math.log10(least));
  const ceiling = 10 ** Math.ceil(Math.log10(most) + 1e-9);
  return [least > floor * 3.2 ? floor * 3 : floor, most < ceiling / 3.2 ? ceiling / 3 : ceiling];
}

/* Powers of ten; where there are not two of them between the ends, the twos and fives as well. */
function isLabelled(value, splits) {
  const digit = Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9));
  return digit === 1 || (splits[splits.length - 1] / splits[0] < 150 && (digit === 2 || digit === 5));
}

function axis(unit) {
  return {
    stroke: () => cssColour("--soft"),
    grid: {stroke: () => cssColour("--line"), width: 1},
    ticks: {show: false},
    font: "11.5px system-ui, sans-serif",
    values: (chart, splits) => splits.map((value) => (isLabelled(value, splits) ? short(value, unit) : null)),
    /* All the lines of the grid, though only some get a text. */
    filter: (chart, splits) => splits,
  };
}

function series(model) {
  return {
    label: model.name, width: 2, dash: model.look[2],
    stroke: () => colourOf(model),
    points: {show: true, size: 6, stroke: () => colourOf(model), fill: () => colourOf(model)},
  };
}

function options(plot, width) {
  const narrow = width < 420;
  return {
    width, height: plot.box.clientHeight,
    padding: [8, narrow ? 12 : LABEL_WIDTH, 0, 0],
    legend: {show: false},
    cursor: {y: false, drag: {x: false, y: false}, points: {size: 8}},
    scales: {
      x: {time: false, distr: 3, range: (chart, least, most) => (least === most ? [least / 2, most * 2] : [least, most])},
      y: {distr: 3, range: logRange},
    },
    axes: [
      {...axis("count"), size: 30, splits: (chart) => chart.data[0], values: (chart, splits) => splits.map((value) => short(value))},
      {...axis(plot.unit), size: 62},
    ],
    series: [{}, ...plot.models.map(series)],
    hooks: {
      draw: [(chart) => {
        if (!narrow) drawLabels(chart, plot.models);
        plot.box.dataset.drawn = plot.models.length;
      }],
      setCursor: [() => showReading(plot)],
    },
  };
}

/* The values of one figure: connections first, then one list a model, null where there is no value; a logarithm
   takes no zero. */
function columns(plot) {
  const key = plot.keys[plot.choice].key;
  const counts = [...new Set(plot.models.flatMap((model) => plot.pointsOf(model).map((point) => point.connections)))];
  counts.sort((a, b) => a - b);
  return [counts, ...plot.models.map((model) => counts.map((count) => {
    const point = plot.pointsOf(model).find((candidate) => candidate.connections === count);
    return point && isKnown(point[key]) && point[key] > 0 ? point[key] : null;
  }))];
}

function dataTable(plot) {
  const [counts, ...values] = columns(plot);
  return make("table", {}, make("thead", {}, make("tr", {}, make("th", {scope: "col"}, "Connections"),
    counts.map((count) => make("th", {scope: "col", class: "number"}, units.count(count))))),
  make("tbody", {}, plot.models.map((model, i) => make("tr", {}, make("th", {scope: "row"}, model.title),
    values[i].map((value) => make("td", {class: "number"}, units[plot.unit](value)))))));
}

function refill(plot) {
  plot.chart.setData(columns(plot));
  plot.table.replaceChildren(dataTable(plot));
}

function choices(plot) {
  if (plot.keys.length < 2) return null;
  const buttons = plot.keys.map(({name}, index) => make("button", {
    type: "button", "aria-pressed": String(index === plot.choice),
    onclick: () => {
      plot.choice = index;
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
      refill(plot);
    },
  }, name));
  return make("span", {class: "choice", role: "group", "aria-label": `${plot.title}: which figure`}, buttons);
}

function addPlot(into, models, {title, text, unit, keys, choice = 0, pointsOf = (model) => model.throughput}) {
  const plot = {title, unit, keys, choice, models, pointsOf};
  plot.box = make("div", {class: "plot", role: "img", "aria-label": `${title}; its figures are in the table below`});
  plot.reading = make("div", {class: "reading", hidden: true});
  plot.table = make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, figures`});
  into.append(make("figure", {}, make("figcaption", {}, make("h3", {}, title), choices(plot), make("p", {}, text)),
    plot.box, make("details", {}, make("summary", {}, "Figures"), plot.table)));
  const build = () => {
    if (plot.chart) plot.chart.destroy();
    plot.chart = new uPlot(options(plot, plot.box.clientWidth), columns(plot), plot.box);
    plot.chart.over.append(plot.reading);
  };
  build();
  refill(plot);
  plots.push(plot);
  let width = plot.box.clientWidth;
  new ResizeObserver(() => {
    if (plot.box.clientWidth === width) return;
    width = plot.box.clientWidth;
    build();
    emphasise();
  }).observe(plot.box);
}

/* --- the legend --- */

function fillLegend(into, models) {
  const reset = make("button", {type: "button", class: "reset", hidden: true, onclick: () => press(null)}, "show all");
  const buttons = models.map((model) => coloured(make("button", {
    type: "button", "aria-pressed": "false", title: model.title,
    onclick: () => press(model.name),
    onmouseenter: () => point(model.name), onmouseleave: () => point(null),
    onfocus: () => point(model.name), onblur: () => point(null),
  }, swatch(model), model.name), model));

  function point(name) {
    pointed = name;
    emphasise();
  }
  function press(name) {
    if (name === null) pressed.clear();
    else if (!pressed.delete(name)) pressed.add(name);
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(pressed.has(models[i].name))));
    reset.hidden = pressed.size === 0;
    if (name === null) pointed = null;
    emphasise();
  }
  into.append(...buttons, reset);
}
