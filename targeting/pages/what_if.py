"""What the report's script looks up to show every policy at another cost and margin; no row of a household is among it."""

from typing import Any

import numpy as np
import pandas as pd

from targeting.pages.rendering import packed
from targeting.policy.curve import SHARES
from targeting.policy.lookup import BELIEVED_GAIN, MOMENTS, Lookup
from targeting.sentences.decision import CAPTIONS
from targeting.sentences.policy_names import POLICY_WORDS
from targeting.words.money import unit
from targeting.words.people import as_customers


def stops(lookup: Lookup, name: str) -> list[float]:
    """Where the slider of `cost` or `margin` can stand, ascending."""
    return np.unique(lookup.positions[name]).tolist()


def slider(lookup: Lookup, name: str, own: float) -> dict[str, int]:
    """The number of a slider's last stop, and of the run's own."""
    numbers = np.array(stops(lookup, name))
    return {"last": len(numbers) - 1, "own": int(np.abs(numbers - own).argmin())}


def embedded(lookup: Lookup, n: int, outcome: str, answers: str, tills: bool = True) -> dict[str, Any]:
    """What the script what_if.js unpacks, of `n` rows of the panel; positions are in the order of cost, then margin.

    `outcome` is the one that profits are of, `answers` what the overlap allows to be said; without `tills` policies and captions
    are in the words for a table of customers, as no script's data are put in them later.
    """

    def said(words: str) -> str:
        return words if tills else as_customers(words, [])

    positions, decisions, curve = lookup.positions, lookup.decisions, lookup.curve
    names = decisions["policy"].unique().tolist()
    return {
        "n": n,
        "outcome": outcome,
        "unit": unit(outcome),
        "answers": answers,
        "captions": {name: said(words) for name, words in CAPTIONS.items()},
        "costs": stops(lookup, "cost"),
        "margins": stops(lookup, "margin"),
        "policies": [
            {"name": name, "mails": said(POLICY_WORDS[name])} | _policy(positions[name], decisions[decisions["policy"] == name])
            for name in names
        ],
        "reach": packed(positions["reach"]),
        "recommended": packed(positions["recommended"].map(names.index), "Uint16"),
        "peak": {end: packed(np.searchsorted(SHARES, positions[f"peak_{end}"]), "Uint16") for end in ("lower", "upper")},
        "curve": {name: packed(curve[name]) for name in ("share", *MOMENTS, "promised")},
    }


def _policy(numbers: pd.Series, decisions: pd.DataFrame) -> dict[str, Any]:
    """A policy's different decisions, and which of them each position has; None where all have the only one."""
    ordered = decisions.sort_values("decision")
    columns = {column: packed(ordered[column]) for column in ("contacts", "candidate", *MOMENTS, *BELIEVED_GAIN)}
    return {
        "decision": packed(numbers, "Uint16") if len(decisions) > 1 else None,
        "columns": columns,
    }
