"""Drawings of a run of the lab, as SVG for docs/architectures.md: the same looks as the page's, without a script.

Colours follow the reader's light or dark scheme. Families have colours that are alike, and dashes; every line has its
name at its end, so that no legend is needed.
"""
from html import escape
from math import ceil, floor, log10

WIDTH, LABELS = 760, 110
PLOT_LEFT, PLOT_RIGHT, PLOT_HEIGHT = 64, WIDTH - LABELS, 330
ROW = 24

# As in lab/report/page/text.js.
LOOKS = {
    "one": ("#6b7280", "#a3abb8", "2 4"),
    "threads": ("#c2410c", "#fb923c", "8 4"),
    "thread-pool": ("#a16207", "#facc15", "8 4"),
    "prefork": ("#9f1239", "#fb7185", "8 4"),
    "select": ("#7c3aed", "#b79cff", "3 3"),
    "poll": ("#b01fb8", "#ee8bf5", "3 3"),
    "fork": ("#7f1d1d", "#fca5a5", "8 4"),
    "spin": ("#52525b", "#d4d4d8", "2 4"),
    "libevent": ("#155e75", "#67e8f9", "6 2"),
    "libuv": ("#3f6212", "#bef264", "6 2"),
    "libev": ("#6d28d9", "#c4b5fd", "6 2"),
    "shared": ("#b45309", "#fcd34d", "10 3 2 3"),
    "exclusive": ("#be185d", "#f472b6", "10 3 2 3"),
    "reuseport": ("#047857", "#6ee7b7", "10 3 2 3"),
    "epoll-mt": ("#1e3a8a", "#93c5fd", "8 4"),
    "epoll-veth": ("#0c4a6e", "#7dd3fc", "2 4"),
    "af-xdp": ("#166534", "#86efac", "2 4"),
    "dpdk": ("#7e22ce", "#d8b4fe", "2 4"),
}
SPARE = [("#0369a1", "#38bdf8", ""), ("#1d4ed8", "#7da2ff", ""), ("#dc2626", "#f87171", ""), ("#0f766e", "#2dd4bf", ""),
         ("#4d7c0f", "#a3e635", "10 3 2 3"), ("#db2777", "#f9a8d4", "10 3 2 3"), ("#08734f", "#62dba8", ""),
         ("#78716c", "#c4b8ae", "10 3 2 3")]


def looks(models):
    spare = iter(SPARE * 3)
    return {model["name"]: LOOKS.get(model["name"]) or next(spare) for model in models}


def style(models):
    chosen = looks(models)
    light = "".join(f".{name} {{ --m: {look[0]} }} " for name, look in chosen.items())
    dark = "".join(f".{name} {{ --m: {look[1]} }} " for name, look in chosen.items())
    return f"""
    text {{ font: 12px system-ui, sans-serif; fill: #57606a }}
    .title {{ font-weight: 600; font-size: 15px; fill: #1f2328 }}
    .grid {{ stroke: #d8dee4 }} .minor {{ stroke: #eaeef2 }}
    .line {{ fill: none; stroke: var(--m); stroke-width: 2; stroke-linejoin: round }}
    .dot, .bar {{ fill: var(--m) }} .name {{ fill: var(--m); font-weight: 500 }}
    .lead {{ fill: none; stroke: var(--m); opacity: .4 }}
    .range {{ stroke: var(--m); stroke-width: 3; stroke-linecap: round }}
    .before {{ fill: #fff; stroke: #57606a; stroke-width: 1.5 }}
    .cross {{ stroke: var(--m); stroke-width: 3; stroke-linecap: round }}
    {light}
    @media (prefers-color-scheme: dark) {{
      text {{ fill: #9198a1 }} .title {{ fill: #f0f6fc }} .grid {{ stroke: #30363d }} .minor {{ stroke: #21262d }}
      .before {{ fill: #0d1117; stroke: #9198a1 }}
      {dark}
    }}
  """


def frame(models, label, height, body):
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 {WIDTH + 16} {height + 16:.0f}" width="{WIDTH + 16}" role="img"
     aria-label="{escape(label)}">
  <style>{style(models)}</style>
{body}</svg>
"""


# --- figures ---


def digits(value):
    text = f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def scaled(value, steps):
    for least, divisor, name in steps:
        if value >= least:
            break
    return digits(value / divisor) + (f" {name}" if name else "")


def us(value):
    return scaled(value, [(999500, 1e6, "s"), (999.5, 1e3, "ms"), (0, 1, "µs")])


def size(value):
    return scaled(value, [(1 << 20, 1 << 20, "MiB"), (1024, 1024, "KiB"), (0, 1, "B")])


def count(value):
    return f"{value:,.0f}" if value >= 100 else digits(value)


def short(value):
    return digits(value / 1e6) + "M" if value >= 1e6 else digits(value / 1e3) + "k" if value >= 1e3 else digits(value)


# --- lines against connections ---


class LogScale:
    """From values to places; `ends` are rounded outwards to a power of ten, or three of it."""

    def __init__(self, values, start, end, exact=False):
        low, high = min(values), max(values)
        if not exact:
            floor_at, ceiling = 10 ** floor(log10(low)), 10 ** ceil(log10(high) + 1e-9)
            low = 3 * floor_at if low > 3.2 * floor_at else floor_at
            high = ceiling / 3 if high < ceiling / 3.2 else ceiling
        self.low, self.high, self.start, self.end = low, high, start, end

    def at(self, value):
        share = (log10(value) - log10(self.low)) / max(log10(self.high) - log10(self.low), 1e-9)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        for power in range(floor(log10(self.low)), ceil(log10(self.high)) + 1):
            for digit in range(1, 10):
                value = digit * 10.0 ** power
                if self.low * 0.999 <= value <= self.high * 1.001:
                    yield value, digit


def axes(x, y, counts, show):
    body = ""
    for value, digit in y.ticks():
        place = y.at(value)
        body += f'  <path class="{"grid" if digit == 1 else "minor"}" d="M{PLOT_LEFT} {place:.1f}H{PLOT_RIGHT}"/>\n'
        if digit == 1 or (y.high / y.low < 150 and digit in (2, 5)):
            body += f'  <text x="{PLOT_LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">{show(value)}</text>\n'
    for value in counts:
        body += (f'  <path class="grid" d="M{x.at(value):.1f} {y.end}V{y.start}"/>\n'
                 f'  <text x="{x.at(value):.1f}" y="{y.start + 18}" text-anchor="middle">{short(value)}</text>\n')
    return body


def spread(places, gap, most):
    """Moves what is too near to what stands above it downwards, and all of it up again past the end."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    for above, index in zip(order, order[1:]):
        moved[index] = max(moved[index], moved[above] + gap)
    for index in reversed(order):
        moved[index] = min(moved[index], most)
        most = moved[index] - gap
    return moved


def lines(models, title, note, points_of, key, show):
    """One line a model: `points_of` gives its points, `key` is the figure."""
    rows = []
    for model in models:
        points = [(point["connections"], point[key]) for point in points_of(model) if point[key]]
        if points:
            rows.append((model["name"], points))
    counts = sorted({connections for _, points in rows for connections, _ in points})
    top = 44
    x = LogScale(counts, PLOT_LEFT, PLOT_RIGHT, exact=True)
    y = LogScale([value for _, points in rows for _, value in points], top + PLOT_HEIGHT, top)
    body = (f'  <text class="title" x="0" y="10">{escape(title)}</text>\n  <text x="0" y="29">{escape(note)}</text>\n'
            + axes(x, y, counts, show))
    chosen = looks(models)
    labels = spread([y.at(points[-1][1]) for _, points in rows], 14, top + PLOT_HEIGHT)
    for (name, points), label in zip(rows, labels):
        path = "L".join(f"{x.at(connections):.1f} {y.at(value):.1f}" for connections, value in points)
        end_x, end_y = x.at(points[-1][0]), y.at(points[-1][1])
        dashes = f' stroke-dasharray="{chosen[name][2]}"' if chosen[name][2] else ""
        body += f'  <g class="{name}"><path class="line"{dashes} d="M{path}"/>'
        body += "".join(f'<circle class="dot" cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="3"/>' for a, b in points)
        body += (f'<path class="lead" d="M{end_x + 5:.1f} {end_y:.1f}H{PLOT_RIGHT + 4}L{PLOT_RIGHT + 14} {label:.1f}"/>'
                 f'<text class="name" x="{PLOT_RIGHT + 18}" y="{label + 4:.1f}">{escape(name)}</text></g>\n')
    body += f'  <text x="{(PLOT_LEFT + PLOT_RIGHT) / 2}" y="{top + PLOT_HEIGHT + 36}" text-anchor="middle">connections</text>\n'
    return frame(models, title, top + PLOT_HEIGHT + 40, body)


# --- rows ---


def row_axis(x, y, rows, ticks, show):
    body = ""
    bottom = y + ROW * rows
    for value in ticks:
        if x.low <= value <= x.high:
            body += (f'  <path class="grid" d="M{x.at(value):.1f} {y}V{bottom}"/>\n'
                     f'  <text x="{x.at(value):.1f}" y="{bottom + 16}" text-anchor="middle">{show(value)}</text>\n')
    return body


def bars(models, title, rows, show):
    """`rows`: name and bytes, drawn from the smallest on; ticks are powers of four, from 64 on."""
    top = 26
    rows = sorted(rows, key=lambda row: row[1])
    ticks = [4 ** power for power in range(16)]
    most = max(value for _, value in rows)
    x = LogScale([64, next(tick for tick in ticks if tick >= most)], LABELS, WIDTH - 80, exact=True)
    body = f'  <text class="title" x="0" y="10">{escape(title)}</text>\n' + row_axis(x, top, len(rows), ticks, show)
    for index, (name, value) in enumerate(rows):
        middle = top + ROW * index + ROW / 2
        body += (f'  <g class="{name}"><text class="name" x="{LABELS - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>'
                 f'<rect class="bar" x="{LABELS}" y="{middle - 7}" width="{max(2, x.at(value) - LABELS):.1f}" height="14" rx="2"/></g>'
                 f'<text x="{x.at(value) + 8:.1f}" y="{middle + 4}">{show(value)}</text>\n')
    return frame(models, title, top + ROW * len(rows) + 22, body)


def pairs(models, title, note, rows):
    """`rows`: name, p99 before and after in microseconds, and whether more than 1 % had no answer then."""
    top = 44
    rows = sorted(rows, key=lambda row: row[2])
    x = LogScale([value for row in rows for value in row[1:3]], LABELS, WIDTH - 80)
    body = (f'  <text class="title" x="0" y="10">{escape(title)}</text>\n  <text x="0" y="29">{escape(note)}</text>\n'
            + row_axis(x, top, len(rows), [10 ** power for power in range(9)], us))
    for index, (name, before, after, lost) in enumerate(rows):
        middle = top + ROW * index + ROW / 2
        a, b = x.at(before), x.at(after)
        mark = (f'<path class="cross" d="M{b - 4:.1f} {middle - 4}l8 8m-8 0l8 -8"/>' if lost
                else f'<circle class="dot" cx="{b:.1f}" cy="{middle}" r="5"/>')
        body += (f'  <g class="{name}"><text class="name" x="{LABELS - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>'
                 f'<path class="range" d="M{a:.1f} {middle}H{b:.1f}"/><circle class="before" cx="{a:.1f}" cy="{middle}" r="5"/>{mark}</g>'
                 f'<text x="{max(a, b) + 12:.1f}" y="{middle + 4}">{"more than " if lost else ""}{us(after)}</text>\n')
    return frame(models, title, top + ROW * len(rows) + 22, body)
