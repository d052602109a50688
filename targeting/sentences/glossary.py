"""The method's words, and the code names of estimators and policies, as a reader who knows neither needs them."""

from collections.abc import Mapping

from targeting.sentences.policy_names import LOTTERY_WORDS, POLICY_WORDS
from targeting.words.estimators import NAMES

METHOD_WORDS = {
    "overlap": "households of whom some alike were mailed and others not; of the rest the data hardly speak",
    "propensity": "the chance that a household like this one was mailed",
    "overlap weights": "counting most those whose chance of being mailed was near one half",
    "household-trial": "one household at one campaign: the same household can be in several",
    "off-policy": "from what similar households did, not from the model that chose whom to mail",
    "promised (plug-in)": "what the model that chose says of its own choice: no evidence",
    "doubly robust": "right if either the model of mailing or the model of spend is right",
    "best bet": "the decision that is expected to earn most, whether or not that is shown; doubt counts against it",
    "on belief alone": "of households unlike those compared: what is believed of others is carried to them, with more doubt",
    "breakeven": "the extra spend at which a mailing just pays: cost divided by margin",
    "95% interval": "drawn anew many times, such intervals hold the truth 95 times in 100",
    "with all compared at once": "the same, for every policy of the table together",
    "AUTOC": "how much more a mailing adds for those a model ranks first; 0 is no better than a lot",
    "adjusted Rand index": "how alike two groupings are: 1 the same, 0 as by chance",
    "silhouette": "how much nearer households are to their own segment than to the next; 1 is far apart",
}


def glossary(estimators: Mapping[str, str] = NAMES) -> list[tuple[str, str]]:
    """Words and what they mean: of the method, then `estimators`, then policies by code name."""
    # breakeven is a word of the method, too
    policies = {
        f"policy {name}": f"{words}; {LOTTERY_WORDS[name]}" if name in LOTTERY_WORDS else words
        for name, words in POLICY_WORDS.items()
    }
    return [*METHOD_WORDS.items(), *estimators.items(), *policies.items()]
