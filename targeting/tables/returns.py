"""Returned goods among the lines of the tills: one convention for them, and what is left when they are set aside.

In the canonical tables a line of quantity above zero is a purchase, and every other one a return: its quantity and its sales
are zero or negative. Sums of `sales` over all lines are net of returns; visits, baskets and items are those of purchases.
"""

import ibis
import ibis.expr.types as ir

DISCOUNTS = ("loyalty_discount", "coupon_discount", "coupon_match_discount")


def purchases(lines: ir.Table) -> ir.Table:
    """The lines that sold something."""
    return lines.filter(lines.quantity > 0)


def returns(lines: ir.Table) -> ir.Table:
    """The lines that took something back."""
    return lines.filter(lines.quantity <= 0)


def with_returns_negative(lines: ir.Table) -> ir.Table:
    """Purchases and returns of a source's lines; its other lines, of quantity zero that give no money back, are left out.

    Quantity or sales below zero make a line a return, so that tills which write a return as a positive quantity of negative
    sales, or as a negative quantity of positive sales, mean the same. A return has no discounts: what is paid back is what had
    been paid, and sources differ in whether the discount's sign turns with it. Missing values stay, for `validate` to name.
    """
    returned = ((lines.quantity < 0) | (lines.sales < 0)).fill_null(False)
    kept = lines.mutate(returned=returned).filter(returned | (lines.quantity > 0).fill_null(True))
    turned = {
        name: ibis.ifelse(kept.returned, -kept[name].abs(), kept[name]).cast(kept[name].type()) for name in ("quantity", "sales")
    }
    none = {name: ibis.ifelse(kept.returned, 0, kept[name]).cast(kept[name].type()) for name in DISCOUNTS}
    return kept.mutate(**turned, **none).drop("returned")
