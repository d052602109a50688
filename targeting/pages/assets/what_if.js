// Profits at another cost and margin: looked up where targeting/policy/lookup.py has decided and valued every policy.

// What contacts earn, by their means, variances and covariance of gain and spend at cost 1 and margin 1, at number `k`.
function earns({ gain, spend, var_gain, covariance, var_spend }, k, cost, margin) {
  const variance = margin ** 2 * var_gain[k] - 2 * margin * cost * covariance[k] + cost ** 2 * var_spend[k];
  return withInterval(margin * gain[k] - cost * spend[k], Math.sqrt(Math.max(variance, 0)));
}

const unpackAll = (columns) => Object.fromEntries(Object.entries(columns).map(([name, text]) => [name, unpack(text)]));

// `data` as targeting/pages/what_if.py embeds it; the result's `at(i, j)` gives policies, recommendation, curve and peak at the
// i-th cost and the j-th margin of the sliders.
function whatIf(data) {
  const { costs, margins, n } = data;
  const policies = data.policies.map(({ name, mails, decision, columns }) => {
    return { name, mails, decision: decision === null ? null : unpack(decision, "Uint16"), columns: unpackAll(columns) };
  });
  const curve = unpackAll(data.curve);
  const [reach, recommended] = [unpack(data.reach), unpack(data.recommended, "Uint16")];
  const [lower, upper] = [unpack(data.peak.lower, "Uint16"), unpack(data.peak.upper, "Uint16")];

  const rowAt = ({ name, mails, decision, columns }, place, cost, margin) => {
    const k = decision === null ? 0 : decision[place];
    const profit = earns(columns, k, cost, margin);
    const [contacts, spent] = [columns.contacts[k], cost * columns.spend[k]]; // what the measured part spends
    return {
      policy: name,
      mails, // in words that can follow "mail"
      contacts,
      share: contacts / n,
      profit,
      // What is believed of the profit; no number where nothing is.
      expected: withInterval(margin * columns.believed[k] - cost * columns.believed_spend[k], margin * columns.believed_sd[k]),
      outside: columns.share_outside[k], // which part of the contacts lies outside the overlap: believed, not measured
      compared: margin * columns.compared[k] - spent, // what is expected of the part that is measured
      total: n * profit.value,
      roi: spent > 0 ? profit.value / spent : null,
      candidate: columns.candidate[k] === 1,
      together: profit.value - reach[place] * profit.se,
    };
  };
  const shareOf = (place) => {
    const { decision, columns } = policies[recommended[place]];
    return columns.contacts[decision === null ? 0 : decision[place]] / n;
  };
  const pointAt = (share, k, cost, margin) => {
    const { value, ...interval } = earns(curve, k, cost, margin);
    return { share, profit: value, ...interval, promised: margin * curve.promised[k] - cost * curve.spend[k] };
  };
  return {
    // The stops between which the decision turns from mailing somebody to mailing nobody, at the j-th margin, and `most`, the last
    // one up to which half of the households or more are mailed, -1 if that is none; null where nothing turns.
    turn(j) {
      const shares = costs.map((_, i) => shareOf(i * margins.length + j));
      const first = shares.findLastIndex((share) => share > 0) + 1;
      if (first === 0 || first === costs.length) return null;
      const fewer = shares.findIndex((share) => share < 0.5);
      return { last: costs[first - 1], first: costs[first], stop: first, most: fewer - 1 };
    },
    at(i, j) {
      const [cost, margin, place] = [costs[i], margins[j], i * margins.length + j];
      const points = Array.from(curve.share, (share, k) => pointAt(share, k, cost, margin));
      const highest = points.reduce((best, point) => (point.profit > best.profit ? point : best));
      return {
        cost,
        margin,
        table: policies.map((policy) => rowAt(policy, place, cost, margin)),
        recommended: data.policies[recommended[place]].name,
        points,
        peak: { share: highest.share, lower: curve.share[lower[place]], upper: curve.share[upper[place]] },
      };
    },
  };
}
