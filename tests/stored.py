"""Figures of one made-up world, as they were when all worlds were last judged: what `make test` holds a simulation against.

Whether an interval covers or a check raises false alarms takes hundreds of worlds, which `make long` draws. As long as one world
gives the stored figures, the others give theirs. After a change that is meant to move them: `RENEW_STORED=1 pytest` with the
test's name, and then `make long`.
"""

import json
import math
import os
from pathlib import Path

import pytest

STORED = Path(__file__).parent / "reference" / "worlds.json"


def require_stored(name: str, found: dict[str, object]) -> None:
    """Compare with the stored figures of this name, to one part in a million, as `make compare` does with a run's."""
    figures = {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in found.items()}
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    if os.environ.get("RENEW_STORED"):
        stored[name] = json.loads(json.dumps(figures))
        STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    expected = stored[name]
    assert expected
    assert set(figures) == set(expected)
    for key, value in figures.items():
        # Beside the relative difference one of a billionth, for what is zero but for rounding.
        same = pytest.approx(expected[key], rel=1e-6, abs=1e-9) if isinstance(value, float) else expected[key]
        assert value == same, (name, key)
