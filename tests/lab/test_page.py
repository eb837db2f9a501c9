"""The page of `vif lab`: drawn in a browser, in both colour schemes, without an error and without a network."""
import base64
import hashlib
import html
import json
import re
import subprocess

import pytest

import browser
import sample
import vif

pytestmark = pytest.mark.any_build

MEASURED = [model for model in sample.sample()["models"] if not model["unavailable"]]
PLOTS = 5

needs_browser = pytest.mark.skipif(browser.missing() is not None, reason=str(browser.missing()))


def make_page(folder, run):
    (folder / "lab.json").write_text(json.dumps(run), encoding="utf-8")
    subprocess.run([vif.BINARY, "lab", "--page", str(folder / "lab.json"), "--out", str(folder)],
                   check=True, timeout=20, capture_output=True)
    return folder / "lab.html"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return make_page(tmp_path_factory.mktemp("page"), sample.sample())


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    return browser.Browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def dom(chromium, page):
    text, said = chromium.dom(page)
    assert said == []
    return text


def with_script(page, script):
    """The page with a script of the test's own, which its policy would forbid."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    path = page.with_name("tried.html")
    path.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return path


def told(text, name):
    """What a script left in an attribute of the document's element."""
    match = re.search(rf'<html[^>]*\bdata-{name}="([^"]*)"', text)
    return html.unescape(match[1]) if match else None


# --- what stands in the file ---


def policy_of(text):
    return html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])


def test_policy_lets_in_what_is_in_the_page_and_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    policy = policy_of(text)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy and "http" not in policy
    for element in ("script", "style"):
        for content in re.findall(f"<{element}>(.*?)</{element}>", text, flags=re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy


def test_nothing_is_loaded(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"<(link|img|iframe|object)\b|\bsrc=|@import|\burl\(", text)


def test_licence_of_the_plots_comes_along(page):
    assert "Copyright (c) 2022 Leon Sorokin" in page.read_text(encoding="utf-8")


def test_data_is_the_run(page):
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert json.loads(data[1]) == sample.sample()


# --- what the browser makes of it ---


@needs_browser
def test_every_plot_is_drawn(dom):
    assert told(dom, "ready") == "yes"
    among_idle = sum(bool(model["mostly_idle"]) for model in MEASURED)
    assert list(map(int, re.findall(r'data-drawn="(\d+)"', dom))) == [len(MEASURED)] * (PLOTS - 1) + [among_idle]
    assert dom.count("<canvas") == PLOTS


@needs_browser
def test_every_figure_stands_in_a_table_too(dom):
    tables = re.findall(r"<table.*?</table>", dom, flags=re.DOTALL)
    assert len(tables) == 1 + PLOTS + 4 + len(COUNTED)
    for model in MEASURED:
        assert sum(html.escape(model["title"]) in table for table in tables) >= PLOTS
    assert "≥\u202f19\u202f900" in dom
    assert "not available here: the kernel does not allow it" in dom


COUNTED = ["calls", "bursts"]


def counted_row(dom, name, model):
    table = re.search(rf'id="{name}-table">.*?</table>', dom, re.DOTALL)[0]
    rows = [row for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL) if f">{html.escape(model['title'])}<" in row]
    return re.findall(r'<td class="number[^"]*">(.*?)</td>', rows[0])


@needs_browser
def test_what_was_counted_stands_there_too(dom):
    """The committed counts, for the models of the run."""
    counts = json.loads((vif.REPOSITORY / "docs" / "lab" / "counts.json").read_text(encoding="utf-8"))["models"]
    for model in MEASURED:
        found = counts[model["name"]]
        assert abs(float(counted_row(dom, "calls", model)[0]) - found["batches"]["calls_per_answer"]) < 0.05
        assert counted_row(dom, "bursts", model)[2].replace("\u202f", "") == str(found["burst"]["answered"])
    assert '<div id="sharing" hidden=""' in dom  # none of these models shares a socket


@needs_browser
def test_loops_that_share_a_socket_are_compared(chromium, tmp_path):
    run = sample.sample()
    run["models"][0]["name"] = "shared"
    text, said = chromium.dom(make_page(tmp_path, run))
    assert said == []
    counts = json.loads((vif.REPOSITORY / "docs" / "lab" / "counts.json").read_text(encoding="utf-8"))["models"]["shared"]["sharing"]
    shares = [" / ".join(map(str, counts[key])) for key in ("shares_of_20", "shares")]
    assert counted_row(text, "sharing", run["models"][0])[1:] == shares


@needs_browser
@pytest.mark.parametrize("scheme, ground, line", [
    (browser.LIGHT, "rgb(245, 248, 246)", "194, 65, 12"),
    (browser.DARK, "rgb(15, 20, 18)", "251, 146, 60"),
])
def test_both_colour_schemes(chromium, page, scheme, ground, line):
    """The ground, and enough pixels in the colour of one model's lines: every plot but one has it."""
    script = """
      addEventListener("load", () => {
        const found = [...document.querySelectorAll("canvas")].map((canvas) => {
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const [red, green, blue] = [LINE];
          let count = 0;
          for (let at = 0; at < data.length; at += 4)
            count += data[at] === red && data[at + 1] === green && data[at + 2] === blue;
          return count;
        });
        document.documentElement.dataset.found = found.join();
        document.documentElement.dataset.ground = getComputedStyle(document.body).backgroundColor;
      });
    """.replace("LINE", line)
    text, said = chromium.dom(with_script(page, script), scheme)
    assert said == []
    assert told(text, "ground") == ground
    assert sum(count > 75 for count in map(int, told(text, "found").split(","))) >= PLOTS - 1


@needs_browser
@pytest.mark.parametrize("width", [500, 800])
def test_narrow_windows_do_not_scroll_sideways(chromium, page, width):
    script = """
      const root = document.documentElement;
      addEventListener("load", () => { root.dataset.wide = root.scrollWidth + " of " + innerWidth; });
    """
    text, said = chromium.dom(with_script(page, script), width=width)
    assert said == []
    wide, of = map(int, told(text, "wide").split(" of "))
    assert wide <= of


@needs_browser
@pytest.mark.parametrize("width, more", [(500, True), (1100, False), (1280, False)])
def test_the_summary_fits_or_tells_that_it_scrolls(chromium, page, width, more):
    script = """
      addEventListener("load", () => {
        const box = document.querySelector("#summary").parentElement;
        document.documentElement.dataset.cut = String(box.scrollWidth > box.clientWidth);
        document.documentElement.dataset.told = String(box.classList.contains("more-right"));
      });
    """
    text, said = chromium.dom(with_script(page, script), width=width)
    assert said == []
    assert told(text, "cut") == told(text, "told") == str(more).lower()


@needs_browser
def test_a_missing_figure_is_a_dash_and_no_record(chromium, tmp_path):
    run = sample.sample()
    for point in run["models"][2]["throughput"]:
        point["voluntary_switches_per_request"] = None
        point["system_cpu_share"] = None
    script = """
      addEventListener("load", () => {
        const row = document.querySelector("#summary tr[data-model=threads]");
        const cell = row.cells[4];
        document.documentElement.dataset.cell = cell.textContent + "/" + cell.className;
        const card = document.querySelector("article[data-model=threads]");
        document.documentElement.dataset.share = card.querySelectorAll("dd")[2].textContent;
      });
    """
    text, said = chromium.dom(with_script(make_page(tmp_path, run), script))
    assert said == []
    assert told(text, "cell") == "–/number absent"
    assert told(text, "share") == "–"


@needs_browser
def test_headings_sort_and_the_legend_emphasises(chromium, page):
    script = """
      addEventListener("load", () => {
        const root = document.documentElement;
        const heading = [...document.querySelectorAll("#summary button")].find((b) => b.textContent.startsWith("requests"));
        const first = () => document.querySelector("#summary tbody th").textContent;
        heading.click();
        root.dataset.most = first() + "/" + heading.closest("th").getAttribute("aria-sort");
        heading.click();
        root.dataset.least = first() + "/" + heading.closest("th").getAttribute("aria-sort");
        const button = document.querySelector("#legend [data-model=poll]");
        button.click();
        root.dataset.pressed = button.getAttribute("aria-pressed");
        root.dataset.alphas = plots[0].chart.series.slice(1).map((s) => s.alpha).join();
        document.querySelector("#legend .reset").click();
        root.dataset.reset = plots[0].chart.series.slice(1).every((s) => s.alpha === 1);
      });
    """
    text, said = chromium.dom(with_script(page, script))
    assert said == []
    rates = {model["title"]: point["requests_per_s"] for model in MEASURED for point in model["throughput"]
             if point["connections"] == 100}
    assert told(text, "most") == f"{max(rates, key=rates.get)}/descending"
    assert told(text, "least") == f"{min(rates, key=rates.get)}/ascending"
    assert told(text, "pressed") == "true"
    assert told(text, "alphas").split(",").count("1") == 1
    assert told(text, "reset") == "true"


@needs_browser
@pytest.mark.parametrize("others, load, note", [
    (0.4, 0.1, "The machine was busy: other work took 40 % of its processors during the run."),
    (0.01, 5.0, None),
    (None, 5.0, "The machine was busy: its load was 5"),  # of a run before that was measured
    (None, 0.1, None),
])
def test_a_busy_machine_is_told(chromium, tmp_path, others, load, note):
    run = sample.sample()
    run["machine"]["load_average_before"] = load
    if others is not None:
        run["others_cpu_share"] = others
    text, said = chromium.dom(make_page(tmp_path, run))
    assert said == []
    shown = re.search(r'<[^>]*\bid="notes"([^>]*)>(.*?)</', text, re.DOTALL)
    assert ("hidden" in shown[1]) == (note is None) and (note or "") in shown[2]


@needs_browser
def test_texts_stay_texts(chromium, tmp_path):
    """Whatever stands in a lab.json, the page only shows it."""
    run = sample.sample()
    run["models"][0]["title"] = "</script><script>document.documentElement.dataset.bad = 1</script><b id=bad>"
    run["machine"]["cpu"] = "<!--<script>"
    text, said = chromium.dom(make_page(tmp_path, run))
    assert said == []
    assert told(text, "ready") == "yes" and told(text, "bad") is None
    assert not re.search(r"<b id=\"?bad", text)


@needs_browser
@pytest.mark.parametrize("change", [
    {"models": sample.sample()["models"][-1:]},
    {"models": []},
    {"models": sample.sample()["models"][6:7], "interrupted": True, "mode": "quick"},
    {"models": [{**sample.sample()["models"][2], "throughput": [], "idle": None, "slow": None}]},
    {"models": [{**sample.sample()["models"][2], "blocking": None, "limit": None, "fault": "ended by itself"}]},
])
def test_runs_that_lack_something(chromium, tmp_path, change):
    text, said = chromium.dom(make_page(tmp_path, {**sample.sample(), **change}))
    assert said == []
    assert told(text, "ready") == "yes"
