"""Compare a run's numbers with the committed ones: metrics/*.json, plots/*.csv and params.yaml.

Numbers may differ by one part in a million, since processors differ in the last bits; everything else must be equal.
Exits with 1 and a line for each difference.
"""

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELATIVE = 1e-6
# Below this a number is a rounding error around zero, such as a standardised difference of a balanced covariate.
ABSOLUTE = 1e-9


def differences(name: str, committed: str, current: str) -> list[str]:
    """One line for each place where `current` differs from `committed`; `name` says by its ending how to read both."""
    if name.endswith(".json"):
        pairs = _paired(_flatten(json.loads(committed)), _flatten(json.loads(current)))
    elif name.endswith(".csv"):
        pairs = _paired(_cells(committed), _cells(current))
    else:
        return [] if committed == current else [f"{name}: differs"]
    return [f"{name}, {place}: {old} is now {new}" for place, old, new in pairs if not _same(old, new)]


def _same(old: object, new: object) -> bool:
    numbers = [_number(value) for value in (old, new)]
    if numbers[0] is None or numbers[1] is None:
        return old == new
    return math.isclose(numbers[0], numbers[1], rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _flatten(value: object, place: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        return {key: item for name, part in value.items() for key, item in _flatten(part, f"{place}{name}.").items()}
    return {place.rstrip("."): value}


def _cells(text: str) -> dict[str, object]:
    rows = list(csv.DictReader(io.StringIO(text)))
    return {f"row {number}, column {column}": value for number, row in enumerate(rows, start=1) for column, value in row.items()}


def _paired(old: dict[str, object], new: dict[str, object]) -> list[tuple[str, object, object]]:
    places = [*old, *(place for place in new if place not in old)]
    return [(place, old.get(place, "absent"), new.get(place, "absent")) for place in places]


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603, S607


def _results(names: list[str]) -> set[str]:
    return {
        name
        for name in names
        if (name.startswith("metrics/") and name.endswith(".json")) or (name.startswith("plots/") and name.endswith(".csv"))
    }


def main() -> int:
    """Print every difference between the working tree and HEAD; 0 when there is none."""
    committed = _results(_git("ls-tree", "-r", "--name-only", "HEAD").splitlines())
    present = _results(
        [path.relative_to(ROOT).as_posix() for folder in ("metrics", "plots") for path in (ROOT / folder).rglob("*")]
    )
    lines = [f"{name}: committed, but the run did not write it" for name in sorted(committed - present)]
    lines += [f"{name}: written by the run, but not committed" for name in sorted(present - committed)]
    for name in [*sorted(committed & present), "params.yaml"]:
        lines += differences(name, _git("show", f"HEAD:{name}"), (ROOT / name).read_text(encoding="utf-8"))
    print("\n".join(lines) if lines else f"{len(committed)} result files and params.yaml agree with what is committed.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
