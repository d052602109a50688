"""How long the report's page takes to follow a slider: in a real browser, on a run's own results."""

import statistics
import tempfile
from pathlib import Path

import yaml
from playwright.sync_api import CDPSession

from scripts.browser import chromium
from targeting.pages.rendering import render
from targeting.pages.report import report_context
from targeting.pages.run import read_run
from tests.browser import opened

MOVES = 100
# Milliseconds a move, from the slider's event until words and table are changed, the curve is drawn, and all is laid out again.
# The chart is drawn after the event's handlers return, before a message sent then arrives. A move is a jump to another place.
DRAG = """
async ([id, moves]) => {
  const slider = document.getElementById(id);
  const [low, high, took] = [Number(slider.min), Number(slider.max), []];
  const { port1, port2 } = new MessageChannel();
  const arrived = () => new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage(0); });
  let redrawn = 0;
  const watch = new MutationObserver(() => { redrawn += 1; });
  watch.observe(document.querySelector("#chart-roi svg"), { subtree: true, attributes: true });
  for (let move = 1; move <= moves; move++) {
    slider.value = Math.floor(low + (high - low) * ((37 * move) % moves) / moves);
    redrawn = 0;
    const start = performance.now();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await arrived();
    document.body.getBoundingClientRect();
    took.push(performance.now() - start);
    if (redrawn === 0) throw new Error(`Move ${move} of ${id} left the curve as it was.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return took;
}
"""


def slider_moves(project: Path) -> dict[str, tuple[float, float | None]]:
    """Seconds by the clock, and of the page's main thread in the mean, by what they are of; the run is in a project's folder.

    Raises NoBrowserError where there is no browser.
    """
    data = project / "data/policy"
    run = read_run(project / "metrics", project / "plots", data / "evidence.parquet", data / "lookup")
    parameters = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    context = report_context(run.metrics, run.tables, run.arms, run.lookup, parameters, "", {})
    found: dict[str, tuple[float, float | None]] = {}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = Path(folder) / "index.html"
        path.write_text(render("index.html.jinja", context), encoding="utf-8")
        with opened(browser, path) as page:
            page.wait_for_selector("body[data-ready]")
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            for slider in ("cost", "margin"):
                before = _processor_seconds(session)
                took = [milliseconds / 1000 for milliseconds in page.evaluate(DRAG, [slider, MOVES])]
                used = (_processor_seconds(session) - before) / MOVES
                what = f"report's {slider} slider"
                found[f"{what}: median of {MOVES} moves"] = statistics.median(took), used
                found[f"{what}: longest of these"] = max(took), None
    return found


def _processor_seconds(session: CDPSession) -> float:
    """What the page's main thread has used since the session began, drawing included."""
    metrics = {item["name"]: item["value"] for item in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])
