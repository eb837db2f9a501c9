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
NOISY = 0.03  # the share of the machine taken by other programs from which figures are not to be trusted


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
        # Nobody keeps latencies of pipelined requests, of HTTP/2 or of handshakes.
        "p99_us": (statistics.median(sample.p99_us for sample in own) or None) if scenario.depth == 1 else None,
        "errors": _sum_errors(own),
    }


def summarize(scenario, samples):
    """One scenario's results: a row for each server, the cheapest first."""
    rows = [_row(scenario, name, samples) for name in samples]
    rows.sort(key=lambda row: row["cpu_us"]["median"])
    return {"name": scenario.name, "means": scenario.means, "rows": rows}


def _verdict(goal, samples, ratio):
    if "vif" not in samples or _sum_errors(samples["vif"]):
        return "MISS"  # whatever it took: what was not done costs nothing
    if ratio is None:
        return "-"
    return "PASS" if goal.is_met_by(ratio) else "MISS"


def judge_goals(samples_by_scenario):
    """The goals of the scenarios that were run, with the ratio and PASS, MISS or, without the peer, a dash.

    Empty when vif was measured nowhere."""
    judged = []
    if not any("vif" in samples for samples in samples_by_scenario.values()):
        return judged
    for goal in GOALS:
        if goal.scenario in samples_by_scenario:
            samples = samples_by_scenario[goal.scenario]
            ratio = _median_ratio(samples, goal.server, goal.base)
            judged.append({"goal": str(goal), "measured": ratio, "verdict": _verdict(goal, samples, ratio)})
    return judged


def describe_machine(servers, plan, samples_by_scenario):
    """Where and with what the figures were made."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    models = [line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "kernel": f"{platform.system()} {platform.release()}",
        "cpu": f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores",
        "versions": {server.name: server.version() for server in servers},
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "others": max((sample.others for samples in samples_by_scenario.values() for own in samples.values()
                       for sample in own), default=0.0),
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
        ", ".join(f"{count} {kind} errors" for kind, count in row["errors"].items()),
    ]


def _about_lines(about):
    versions = ", ".join(f"{name} {version}".strip() for name, version in about["versions"].items())
    return [
        f"{about['date']}, {about['kernel']}, {about['cpu']}",
        versions,
        f"{about['rounds']} rounds of {about['seconds']} s, servers on core {about['cores']['server']}, "
        f"load on core {about['cores']['load']}",
        f"other programs took up to {about['others']:.0%} of the machine"
        + (": these figures are noisy" if about["others"] > NOISY else ""),
    ]


def align(table):
    """A table of strings as lines; the first column to the left, the last as it is, others to the right."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]

    def line(row):
        middle = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:])]
        return "  ".join([row[0].ljust(widths[0]), *middle, row[-1]]).rstrip()

    return [line(row) for row in table]


def scenario_text(scenario):
    return "\n".join([f"\n{scenario['name']}: {scenario['means']}",
                      *align([HEADINGS, *map(_cells, scenario["rows"])])])


def _goal_cells(goal):
    return [goal["goal"], f"{goal['measured']:.2f}" if goal["measured"] is not None else "", goal["verdict"]]


def goals_text(goals):
    table = [["goal", "measured", ""], *map(_goal_cells, goals)]
    return "\n".join(["", *align(table)]) if goals else ""


def text(results):
    """What the terminal shows at the end, below the scenarios' tables."""
    return "\n".join([goals_text(results["goals"]), "", *_about_lines(results["about"])])


def markdown(results, chart):
    lines = ["# Server CPU time per request", "",
             *(f"- {line}" for line in _about_lines(results["about"])), "",
             f"![Microseconds of CPU time per request]({chart})", ""]
    for scenario in results["scenarios"]:
        lines += [f"## {scenario['name']}", "", scenario["means"], "",
                  "| " + " | ".join(HEADINGS) + " |", "|---" + "|--:" * (len(HEADINGS) - 2) + "|---|"]
        lines += ["| " + " | ".join(_cells(row)) + " |" for row in scenario["rows"]]
        lines.append("")
    lines += ["## Goals", "", "| goal | measured | |", "|---|--:|---|"]
    lines += ["| " + " | ".join(_goal_cells(goal)) + " |" for goal in results["goals"]]
    return "\n".join(lines) + "\n"
