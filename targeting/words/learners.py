"""What learners are called: in sentences, and in pictures, where their names in the parameters would say little."""

# What sentences call a learner whose name alone could be taken for something else: `average` for the average effect.
LEARNER_WORDS = {"average": "the average of learners"}
NAMES = {
    "s": "S-learner",
    "t": "T-learner",
    "x": "X-learner",
    "dr": "DR-learner",
    "linear_dml": "linear DML",
    "nonparam_dml": "non-parametric DML",
    "causal_forest": "causal forest",
    "r_smooth": "smooth R-learner",
    "dr_smooth": "smooth DR-learner",
}


def learner_name(learner: str) -> str:
    """A learner in a picture: T-learner of t, arm gap of arm_gap."""
    return NAMES.get(learner, learner.replace("_", " "))
