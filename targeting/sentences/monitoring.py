"""Why to keep, retrain or stop, in words."""

import pandas as pd

from targeting.campaign.monitoring import FEWEST, Advice, Verdict
from targeting.words.changes import change
from targeting.words.money import amount, money


def monitoring_words(verdict: Verdict, outcome: str) -> str:
    """Everything that holds of what can call for stopping or retraining; `outcome` is the one that effects are of."""
    if verdict.advice == Advice.UNKNOWN:
        return f"The last of two or more campaigns needs {FEWEST} households inside the overlap to judge by."
    drifted = f"{verdict.n_drifted} of {verdict.n_features} features drifted"
    found = [f"The policy's contacts lost {money(verdict.lost)} per household"] if verdict.lost else []
    found += [
        f"Effects {'on the mean' if row.group == 'all' else f'in fifth {row.group}'} were not as predicted: "
        f"{amount(row.realised, outcome)} in place of {amount(row.predicted, outcome)}"
        for row in verdict.wrong.itertuples()
    ]
    found += [f"The predicted {name} drifted" for name in verdict.drifted_models]
    if verdict.many_drifted:
        found.append(drifted)
    return ". ".join(found or [f"{_as_predicted(verdict.mean, outcome)}. {drifted[0].upper()}{drifted[1:]}"]) + "."


def _as_predicted(mean: pd.Series, outcome: str) -> str:
    predicted, realised = (amount(mean[name], outcome) for name in ("predicted", "realised"))
    ends = f"{change(mean['ci_lower'], outcome)} to {change(mean['ci_upper'], outcome)}"
    said = f"Predicted was a mean effect of {predicted}, realised {realised} ({ends})"
    return f"{said}: no more apart than chance could put them"
