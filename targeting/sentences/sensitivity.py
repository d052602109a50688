"""How each number of the sensitivity analyses reads."""

from typing import Any

import pandas as pd

from targeting.robustness.sensitivity_table import INTERVAL, STRONGEST, TURNING

STRONG = {
    "e_value": "a confounder this strong would explain the estimate away",
    "robustness_value": "a confounder that explains this share of the rest of treatment and outcome would bring it to 0",
}
# Of the interval: the value where it includes 0 without any confounder, and what is said where it does not.
NONE_NEEDED = {"e_value": 1.0, "robustness_value": 0.0}
STRONG_FOR_INTERVAL = {
    "e_value": "a confounder this strong would bring the interval to 0",
    "robustness_value": "a confounder with this share would bring it to 0",
}


def with_readings(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `sensitivity` with the column reading."""
    return table.assign(reading=[_reading(row) for row in table.itertuples()])


def _reading(row: Any) -> str:
    if row.analysis == "manski":
        return "without assumptions on who was mailed the data leave the effect open"
    if row.analysis in STRONG:
        if row.setting != INTERVAL:
            return STRONG[row.analysis]
        included = row.value == NONE_NEEDED[row.analysis]
        return "the interval includes 0 as it is" if included else STRONG_FOR_INTERVAL[row.analysis]
    if row.setting == TURNING:
        turns = row.value < STRONGEST
        return "from here on the sign could turn" if turns else "the strongest that was tried does not turn the sign"
    if row.value == 1:  # odds as they are
        return "no unmeasured confounding"
    return "the sign could turn" if row.lower < 0 < row.upper else "the sign stays"
