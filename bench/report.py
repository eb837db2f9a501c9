"""From samples to results, and from results to a table for the terminal, Markdown and JSON.

Results are plain dictionaries, so that what is saved as JSON is all that the other forms are made from.
"""

import os
import platform
import statistics
import time
from pathlib import Path

from scenarios import GOALS

BASE = "vif"


def _ratios(samples, name, base):
    """CPU time of `name` over that of `base`, round by round."""
    return [one.cpu_us / other.cpu_us for one, other in zip(samples[name], samples[base]) if other.cpu_us > 0]


def _median_ratio(samples, name, base):
    if name not in samples or base not in samples:
        return None
    ratios = _ratios(samples, name, base)
    return statistics.median(ratios) if ratios else None


def _sum_errors(samples):
    total = {}
    for sample in samples:
        for kind, count in sample.errors.items():
            total[kind] = total.get(kind, 0) + count
    return total


def _row(scenario, name, samples):
    own = samples[name]
    cpu = [sample.cpu_us for sample in own]
    return {
        "server": name,
        "cpu_us": {"median": statistics.median(cpu), "min": min(cpu), "max": max(cpu)},
        "ratio": _median_ratio(samples, name, BASE),
        "core_busy": statistics.median(sample.cpu_seconds / sample.seconds for sample in own),
        "requests_per_second": statistics.median(sample.requests / sample.seconds for sample in own),
        # wrk keeps no latencies of pipelined requests.
        "p99_us": statistics.median(sample.p99_us for sample in own) if scenario.depth == 1 else None,
        "errors": _sum_errors(own),
    }


def summarize(scenario, samples):
    """One scenario's results: a row for each server, the cheapest first."""
    rows = [_row(scenario, name, samples) for name in samples]
    rows.sort(key=lambda row: row["cpu_us"]["median"])
    return {"name": scenario.name, "means": scenario.means, "rows": rows}


def judge_goals(samples_by_scenario):
    """Every goal with its measured ratio and PASS, MISS or, where a server or scenario was left out, a dash.

    A goal whose vif answered with errors is missed whatever it took: what was not done costs nothing."""
    judged = []
    for goal in GOALS:
        samples = samples_by_scenario.get(goal.scenario, {})
        ratio = _median_ratio(samples, goal.server, goal.base)
        failed = bool(_sum_errors(samples.get("vif", [])))
        verdict = "-" if ratio is None else "PASS" if goal.is_met_by(ratio) and not failed else "MISS"
        judged.append({"goal": str(goal), "measured": ratio, "verdict": verdict})
    return judged


def describe_machine(servers, plan):
    """Where and with what the figures were made."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")),
                 platform.machine())
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "kernel": f"{platform.system()} {platform.release()}",
        "cpu": f"{model}, {os.cpu_count()} cores",
        "versions": {server.name: server.version() for server in servers},
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "cores": {"server": plan.server_core, "load": plan.load_core},
    }


HEADINGS = ["server", "CPU µs/request", "min..max", f"x {BASE}", "requests/s", "core busy", "p99 ms", ""]


def _cells(row):
    cpu = row["cpu_us"]
    return [
        row["server"],
        f"{cpu['median']:.2f}",
        f"{cpu['min']:.2f}..{cpu['max']:.2f}",
        f"{row['ratio']:.2f}" if row["ratio"] is not None else "-",
        f"{row['requests_per_second']:,.0f}",
        f"{row['core_busy']:.0%}",
        f"{row['p99_us'] / 1000:.2f}" if row["p99_us"] is not None else "-",
        "errors: " + ", ".join(f"{count} {kind}" for kind, count in row["errors"].items()) if row["errors"] else "",
    ]


def _about_lines(about):
    versions = ", ".join(f"{name} {version}".strip() for name, version in about["versions"].items())
    return [
        f"{about['date']}, {about['kernel']}, {about['cpu']}",
        versions,
        f"{about['rounds']} rounds of {about['seconds']} s, servers on core {about['cores']['server']}, "
        f"load on core {about['cores']['load']}",
    ]


def align(table):
    """A table of strings as lines; the first column to the left, the others to the right, the last as it is."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:])),
                       row[-1]]).rstrip() for row in table]


def scenario_text(scenario):
    return "\n".join([f"\n{scenario['name']}: {scenario['means']}",
                      *align([HEADINGS, *map(_cells, scenario["rows"])])])


def goals_text(goals):
    measured = [goal for goal in goals if goal["measured"] is not None]
    rows = [["  " + goal["goal"], f"{goal['measured']:.2f}", goal["verdict"]] for goal in measured]
    left_out = f"  not measured here: {len(goals) - len(measured)} of {len(goals)}"
    return "\n".join(["\ngoals, by CPU time per request", *(align(rows) if rows else []),
                      *([left_out] if len(measured) < len(goals) else [])])


def text(results):
    """What the terminal shows at the end, below the scenarios' tables."""
    return "\n".join([goals_text(results["goals"]), "", *_about_lines(results["about"])])


def markdown(results, chart):
    lines = ["# Server CPU time per request", "", *(f"- {line}" for line in _about_lines(results["about"])), "",
             f"![Microseconds of CPU time per request]({chart})", ""]
    for scenario in results["scenarios"]:
        lines += [f"## {scenario['name']}", "", scenario["means"], "",
                  "| " + " | ".join(HEADINGS) + " |", "|---" + "|--:" * (len(HEADINGS) - 2) + "|---|"]
        lines += ["| " + " | ".join(_cells(row)) + " |" for row in scenario["rows"]]
        lines.append("")
    lines += ["## Goals", "", "| goal | measured | |", "|---|--:|---|"]
    for goal in results["goals"]:
        measured = f"{goal['measured']:.2f}" if goal["measured"] is not None else ""
        lines.append(f"| {goal['goal']} | {measured} | {goal['verdict']} |")
    return "\n".join(lines) + "\n"
