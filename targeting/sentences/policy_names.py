"""What each policy does, in the words of those who never read its code name."""

POLICY_WORDS = {
    "none": "mail nobody",
    "all": "mail everybody",
    "inside": "mail everybody in the overlap",
    "current": "as the retailer did",
    "prudent": "those whose expected gain clears the cost with room to spare",
    "budget": "the same, as long as the budget lasts",
    "breakeven": "those whose predicted effect pays for the contact",
    "positive": "those whose predicted effect is above zero",
    "top_20": "the fifth with the largest predicted effects",
    "top_30": "the three tenths with the largest predicted effects",
    "conservative": "those whose effect pays even at its interval's lower end",
    "risk_adjusted": "those whose predicted effect, cut for caution, still pays",
    "segment": "segments in which mailing earned money elsewhere",
    "policy_tree": "by a rule of a few yes-or-no questions",
}
