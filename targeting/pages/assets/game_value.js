// What picks earn: totals over a draw with 95% intervals clustered by household (see value.js).

// The total of `values` over a draw's customers with its interval.
function totalEstimate(values, group) {
  const { value, lower, upper } = meanEstimate(values, group);
  const n = values.length;
  return { value: n * value, lower: n * lower, upper: n * upper };
}

// A row of the comparison: coupons given, what the model promises, the estimate, and the truth where it is known.
function valueOf(label, kind, weights, own, earnings = weights.map((w, i) => w * own.earned[i])) {
  const total = (values) => weights.reduce((sum, w, i) => sum + w * values[i], 0);
  return {
    label,
    kind,
    coupons: weights.reduce((sum, w) => sum + w, 0),
    promised: total(own.promised),
    profit: totalEstimate(earnings, own.group),
    truth: own.true ? total(own.true) : null,
    earnings,
  };
}

// 1 for the first `count` customers by rising `value` among those that have one, else 0.
function firstBy(value, count) {
  const ranked = value.map((_, i) => i).filter((i) => !Number.isNaN(value[i]));
  ranked.sort((a, b) => value[a] - value[b] || a - b);
  const chosen = new Set(ranked.slice(0, count));
  return value.map((_, i) => (chosen.has(i) ? 1 : 0));
}

// Everything that a pick (weights 0 or 1 over the draw) is compared with, the pick first.
function comparison(weights, own, data) {
  const picks = weights.reduce((sum, w) => sum + w, 0);
  const all = weights.map(() => 1);
  const value = (label, kind, chosen, earnings) => valueOf(label, kind, chosen, own, earnings);
  const rows = [
    value("Your pick", "own", weights),
    value(data.nobody ? "Nobody (the pipeline's advice)" : "Nobody", "nobody", all.map(() => 0)),
    value("As many by lot", "lot", all.map(() => picks / all.length)),
  ];
  if (data.pipeline) rows.push(value(data.pipeline, "pipeline", firstBy(own.place, data.coupons)));
  rows.push(value("Current practice", "current", own.treated, own.observed));
  rows.push(value("Everyone", "everyone", all));
  if (own.true) {
    const pays = own.true.map((profit) => (profit > 0 ? -profit : NaN));
    rows.push(value("The best possible", "best", firstBy(pays, data.coupons)));
  }
  return rows;
}

// One row of a comparison less another, customer by customer, so that what they share cancels.
function difference(one, other, own) {
  return totalEstimate(one.earnings.map((value, i) => value - other.earnings[i]), own.group);
}
