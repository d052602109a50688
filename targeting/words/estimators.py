"""What each estimator of an average effect is called in tables and pictures."""

PLAIN = "naive"
NAMES = {
    PLAIN: "difference of means (confounded)",
    "did": "difference in differences, unadjusted",
    "ols": "least squares",
    "ipw": "inverse propensity weights alone",
    "aipw": "doubly robust, everybody",
    "tmle": "targeted maximum likelihood, everybody",
    "att": "doubly robust, the treated",
    "matching": "matching, the treated",
    "ato": "doubly robust, overlap",
    "owate": "doubly robust, overlap, steady spenders first",
    "dml": "double machine learning",
}
# What decided who was mailed: people or rules, lots with one chance for all, lots whose chances differ.
CHOICE, LOTS, UNEVEN_LOTS = "choice", "lots", "uneven lots"
PLAIN_NAMES = {
    CHOICE: NAMES[PLAIN],
    LOTS: "difference of means",
    UNEVEN_LOTS: "difference of means (chances of being mailed differ)",
}
# Each follows "the plain difference of the arms is so much, which".
PLAIN_TELLS = {
    CHOICE: "is who was mailed rather than what mailing did",
    LOTS: "estimates the same, as lots decided who was mailed",
    UNEVEN_LOTS: "takes what sets those with a large chance of being mailed apart for what mailing did",
}


def decided_by(lots: bool, n_chances: int) -> str:
    """What decided who was mailed, a key of PLAIN_NAMES: `lots`, if they did everywhere, and how many chances they had."""
    if not lots:
        return CHOICE
    return LOTS if n_chances == 1 else UNEVEN_LOTS


def names(decided: str) -> dict[str, str]:
    """NAMES, the plain difference by what `decided` who was mailed."""
    return NAMES | {PLAIN: PLAIN_NAMES[decided]}
