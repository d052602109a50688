"""Whom each policy mails, in the words of those who never read its code name: each can follow "mail"."""

POLICY_WORDS = {
    "none": "nobody",
    "all": "everybody",
    "inside": "everybody in the overlap",
    "current": "as the retailer did",
    "prudent": "those whose expected gain clears the cost with room to spare",
    "budget": "those whose expected gain clears the cost, as long as the budget lasts",
    "breakeven": "those whose predicted effect pays for the contact",
    "positive": "those whose predicted effect is above zero",
    "top_20": "the fifth with the largest predicted effects",
    "top_30": "the three tenths with the largest predicted effects",
    "conservative": "those whose effect pays even at its interval's lower end",
    "risk_adjusted": "those whose predicted effect, cut for caution, still pays",
    "segment": "segments in which mailing earned money elsewhere",
    "policy_tree": "by a rule of a few yes-or-no questions",
}
# What they come to where effects are taken to be alike, so that no order is an order.
LOTTERY_WORDS = {
    "top_20": "a fifth by lot, where effects are taken to be alike",
    "top_30": "three tenths by lot, where effects are taken to be alike",
}


def whom(policy: str, lottery: bool) -> str:
    """Whom the policy mails; `lottery` says that its choice is a lot."""
    return LOTTERY_WORDS.get(policy, POLICY_WORDS[policy]) if lottery else POLICY_WORDS[policy]
