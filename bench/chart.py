"""The chart: microseconds of server CPU time per request, one panel a scenario, drawn by hand as SVG.

Each panel has its own scale, because a pipelined request costs a tenth of one that brings its own connection;
the figure stands at every bar, so that no axis is needed. Colours follow the reader's light or dark scheme.
"""

from html import escape

WIDTH = 760
LEFT = 110           # where bars begin; names stand before
BAR_END = 600        # where the longest one ends; figures stand behind
BAR, GAP = 16, 6     # a bar and the space below it
TITLE, PANEL_GAP = 34, 22

STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #57606a }
    .title { font-weight: 600; font-size: 16px; fill: #1f2328 }
    .panel, .own { font-weight: 600; fill: #1f2328 }
    .peer { fill: #b6bec7 } .floor { fill: none; stroke: #8c959f; stroke-dasharray: 3 2 }
    .vif { fill: #0a7f5a } .spread { stroke: #57606a }
    @media (prefers-color-scheme: dark) {
      text { fill: #9198a1 }
      .title, .panel, .own { fill: #f0f6fc }
      .peer { fill: #555d66 } .floor { stroke: #7d8590 }
      .vif { fill: #2fbf8f } .spread { stroke: #c9d1d9 }
    }
"""


def _bar(row, y, scale):
    """One server: its name, its bar, a thin line from the least to the most of the rounds, and the figure."""
    cpu = row["cpu_us"]
    kind = row["server"] if row["server"] in ("vif", "floor") else "peer"
    middle = y + BAR / 2
    note = f" · {row['ratio']:.2f} x" if row["ratio"] is not None and kind != "vif" else ""
    note += " · with errors" if row["errors"] else ""
    own = ' class="own"' if kind == "vif" else ""
    start, end = LEFT + cpu["min"] * scale, LEFT + cpu["max"] * scale
    return f"""\
  <text{own} x="{LEFT - 8}" y="{middle + 4.5:.1f}" text-anchor="end">{escape(row["server"])}</text>
  <rect class="{kind}" x="{LEFT}" y="{y}" width="{cpu["median"] * scale:.1f}" height="{BAR}" rx="2"/>
  <path class="spread" d="M{start:.1f} {middle:.1f}H{end:.1f}"/>
  <text{own} x="{end + 8:.1f}" y="{middle + 4.5:.1f}">{cpu["median"]:.2f} µs{note}</text>
"""


def _panel(scenario, y):
    """One scenario; returns its SVG and where the next one begins."""
    scale = (BAR_END - LEFT) / max(row["cpu_us"]["max"] for row in scenario["rows"])
    svg = (f'  <text class="panel" x="0" y="{y + 12}">{escape(scenario["name"])}</text>\n'
           f'  <text x="{LEFT}" y="{y + 12}">{escape(scenario["means"])}</text>\n')
    y += 22
    for row in scenario["rows"]:
        svg += _bar(row, y, scale)
        y += BAR + GAP
    return svg, y + PANEL_GAP


def draw(results):
    y = TITLE
    panels = ""
    for scenario in results["scenarios"]:
        if scenario["rows"]:
            svg, y = _panel(scenario, y)
            panels += svg
    about = results["about"]
    footer = [f"Thin line: the least and the most of {about['rounds']} rounds of {about['seconds']} s. "
              "Floor: a loop that only sends prepared bytes.",
              f"{about['date']} · {about['kernel']} · {about['cpu']}"]
    footer = "".join(f'  <text x="0" y="{y + 20 * number}">{escape(line)}</text>\n'
                     for number, line in enumerate(footer))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 -16 {WIDTH + 32} {y + 52}" width="{WIDTH + 32}"
     role="img" aria-label="Microseconds of server CPU time per request">
  <style>{STYLE}  </style>
  <text class="title" x="0" y="10">Server CPU time per request (shorter is better)</text>
{panels}{footer}</svg>
"""
