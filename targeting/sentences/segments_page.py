"""What the page of the segments says in words of the data that it rests on, and of the campaigns that would add more."""

from collections.abc import Mapping

from targeting.words.numbers import number

# What each canonical table adds, where it has rows.
ADDS = {
    "transactions": "who the customers are",
    "products": "what they buy: shares of departments, the retailer's own brands",
    "households": "age, income and family of the segments",
    "campaigns": "when what was mailed",
    "campaign_targets": "what a mailing does, and whom to mail next",
    "coupons": "which products a coupon is good for",
    "redemptions": "what a contact costs by the tills, and who uses coupons",
    "promotions": "who buys what is on display or in the weekly mailer",
}


def campaigns_at_hand(rows: Mapping[str, int]) -> str:
    """Whether there are campaigns, and what follows; `rows` by canonical table."""
    if rows["campaigns"]:
        campaigns, mailings = (number(rows[name], 0) for name in ("campaigns", "campaign_targets"))
        return (
            f"{campaigns} campaigns with {mailings} mailings are there: `dvc repro` goes "
            "on from here to what they did and whom to mail next."
        )
    return (
        "These data have no campaigns. Segments say who the customers are; what a mailing does to them, and whom to mail, cannot "
        "be said before some were mailed and others were not."
    )


def steps_to_campaigns(rows: Mapping[str, int]) -> list[str]:
    """What to bring, in order, so that campaigns can be judged; nothing where they are there."""
    if rows["campaigns"]:
        return []
    return [
        (
            "Put `campaigns.csv` beside the other files, one row per campaign: `campaign_id`, `campaign_type` (A, B or C; A "
            "where all are of one kind), `start_day` and `end_day` (2017-01-31)."
        ),
        (
            "Put `campaign_targets.csv` there, one row per household that was mailed: `campaign_id`, and `household_id` as in "
            "`transactions`. A further column `mailed` may flag those held out on purpose."
        ),
        "If coupons were sent, `coupons.csv` and `redemptions.csv` say what a contact costs.",
        (
            "Run `dvc repro`. A campaign can be judged that left some households out, and that began well before the last day of "
            "the data. None like that yet? Draw by lot whom the next one leaves out."
        ),
    ]
