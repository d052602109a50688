// Profits at another cost and margin, from the rows' doubly robust scores: every policy, and every share of the order of contact.
// The same definitions as targeting/policy/value.py and targeting/policy/curve.py, whose numbers these equal at the run's own cost
// and margin; how many standard errors cover several estimates at once is simulated with fewer draws here.
const FEWEST = 30; // contacts in effect that each arm needs before an interval can be taken at its word
const DRAWS = 500; // of a whole curve
const COMPARISON_DRAWS = 4000; // of the largest of several policies

// Row numbers in the order of contact, from each row's place in it.
function inOrder(rank) {
  const order = new Int32Array(rank.length);
  rank.forEach((place, i) => (order[place] = i));
  return order;
}

function readRows(data) {
  const rows = Object.fromEntries(Object.entries(data.columns).map(([name, text]) => [name, unpack(text)]));
  rows.order = inOrder(rows.rank);
  rows.shown_order = inOrder(rows.shown_rank);
  return rows;
}

// What a policy's contacts (1 or 0 for each row) add up to at cost 1 and margin 1, gain and spend apart, in all and by household,
// so that their profit at any cost and margin follows without the rows.
function contactSums(name, policy, rows, group) {
  const sums = { contacts: 0, outside: 0, gain: 0, spend: 0 };
  const [gains, spends] = [new Float64Array(group.size.length), new Float64Array(group.size.length)];
  for (let i = 0; i < policy.length; i++) {
    const p = policy[i];
    // What the retailer did is valued by what happened.
    const gain = rows.margin[i] * (name === "current" ? rows.beyond[i] : p * rows.score[i]);
    sums.gain += gain;
    gains[group.code[i]] += gain;
    if (p === 0) continue;
    sums.contacts += p;
    if (!rows.overlap[i]) sums.outside += p;
    sums.spend += p * rows.cost[i];
    spends[group.code[i]] += p * rows.cost[i];
  }
  // What the retailer did contacts with the propensity itself: its treated count as they are, its controls by e / (1 - e).
  const ess = sums.contacts > 0 ? support(name === "current" ? rows.propensity : policy, rows) : 0;
  return { ...sums, ess, gains, spends };
}

function valueOf(name, sums, cost, margin, n, group) {
  const earned = sums.gains.map((gain, c) => margin * gain - cost * sums.spends[c]);
  const value = (margin * sums.gain - cost * sums.spend) / n;
  const around = earned.map((total, c) => total - value * group.size[c]);
  // The ratio of two means, profit to spend, by the delta method.
  const below = (cost * sums.spend) / n;
  const roi = value / below;
  const influence = () => earned.map((total, c) => (total - roi * cost * sums.spends[c]) / below);
  return {
    policy: name,
    contacts: sums.contacts,
    share: sums.contacts / n,
    profit: clusteredEstimate(value, around, n, group),
    total: value * n,
    roi: below > 0 ? clusteredEstimate(roi, influence(), n, group) : null,
    candidate: sums.contacts > 0 && sums.outside === 0 && sums.ess >= FEWEST,
  };
}

// The policy with the largest profit of those whose profit is above zero with all candidates compared at once; else none.
// `unmoved` from the run's own cost and margin, intervals reach as far as the run's: other draws would move the last cents.
function recommended(table, settings, draws, unmoved) {
  const able = table.filter((row) => row.candidate);
  const reach = (unmoved && settings.reach) || criticalValue(able.map((row) => row.profit), draws);
  for (const row of able) row.together = row.profit.value - reach * row.profit.se;
  if (settings.answers === "nothing") return "none";
  const shown = able.filter((row) => row.together > 0);
  if (shown.length === 0) return "none";
  return shown.reduce((best, row) => (row.profit.value > best.profit.value ? row : best)).policy;
}

// Calls `step(share's number)` at each share, after `row(number, household)` for all rows that the share adds, in shown order.
function walkCurve(rows, group, counts, row, step) {
  let at = 0;
  counts.forEach((count, k) => {
    for (; at < count; at++) row(rows.shown_order[at], group.code[rows.shown_order[at]]);
    step(k);
  });
}

// What each share of the shown learner's order adds up to at cost 1 and margin 1, gain and spend apart, so that any cost and
// margin follow without the rows: their means, variances and covariance.
function curveMoments(rows, gain, group, counts) {
  const n = gain.length;
  const names = ["meanGain", "meanSpend", "promised", "varGain", "covariance", "varSpend"];
  const curve = Object.fromEntries(names.map((name) => [name, new Float64Array(counts.length)]));
  const [gains, spends] = [new Float64Array(group.size.length), new Float64Array(group.size.length)]; // by household
  const sum = { a: 0, b: 0, promised: 0, aa: 0, ab: 0, bb: 0, aSize: 0, bSize: 0 }; // over households, of sums and products
  const [factor, sizes] = [clusterFactor(n, group), dot(group.size, group.size)];
  const add = (i, c) => {
    const [a, b] = [gain[i], rows.cost[i]];
    sum.aa += 2 * a * gains[c] + a * a;
    sum.ab += a * spends[c] + b * gains[c] + a * b;
    sum.bb += 2 * b * spends[c] + b * b;
    gains[c] += a;
    spends[c] += b;
    sum.a += a;
    sum.b += b;
    sum.aSize += a * group.size[c];
    sum.bSize += b * group.size[c];
    sum.promised += rows.margin[i] * rows.shown_cate[i];
  };
  walkCurve(rows, group, counts, add, (k) => {
    const [a, b] = [sum.a / n, sum.b / n];
    curve.meanGain[k] = a;
    curve.meanSpend[k] = b;
    curve.promised[k] = sum.promised / n;
    curve.varGain[k] = factor * (sum.aa - 2 * a * sum.aSize + a * a * sizes);
    curve.covariance[k] = factor * (sum.ab - a * sum.bSize - b * sum.aSize + a * b * sizes);
    curve.varSpend[k] = factor * (sum.bb - 2 * b * sum.bSize + b * b * sizes);
  });
  return curve;
}

// Errors of the whole curve of `values` (one a row), drawn with its covariance: households' normal multipliers, summed up.
// One array of DRAWS numbers a share.
function curveErrors(rows, values, mean, group, counts, multipliers) {
  const scale = Math.sqrt(clusterFactor(values.length, group));
  const size = new Float64Array(DRAWS);
  const summed = new Float64Array(DRAWS);
  const add = (target, c, value) => {
    for (let r = 0; r < DRAWS; r++) target[r] += multipliers[c * DRAWS + r] * value;
  };
  group.size.forEach((rowsOfIt, c) => add(size, c, rowsOfIt));
  const errors = [];
  walkCurve(rows, group, counts, (i, c) => add(summed, c, values[i]), (k) => {
    errors.push(summed.map((value, r) => scale * (value - mean[k] * size[r])));
  });
  return errors;
}

function cumulateCurve(rows, group, settings) {
  const gain = rows.score.map((score, i) => rows.margin[i] * score);
  const curve = curveMoments(rows, gain, group, settings.counts);
  const multipliers = normals(DRAWS * group.size.length, settings.seed);
  curve.errorGain = curveErrors(rows, gain, curve.meanGain, group, settings.counts, multipliers);
  curve.errorSpend = curveErrors(rows, rows.cost, curve.meanSpend, group, settings.counts, multipliers);
  return curve;
}

function curveAt(curve, settings, cost, margin) {
  return settings.shares.map((share, k) => {
    const profit = margin * curve.meanGain[k] - cost * curve.meanSpend[k];
    const variance = margin ** 2 * curve.varGain[k] - 2 * margin * cost * curve.covariance[k] + cost ** 2 * curve.varSpend[k];
    const { se, lower, upper } = withInterval(profit, Math.sqrt(Math.max(variance, 0)));
    const promised = margin * curve.promised[k] - cost * curve.meanSpend[k];
    return { share, profit, se, lower, upper, promised };
  });
}

// Where the curve is highest, and the middle 95% of the shares at which curves drawn around it are.
function peakOf(points, curve, cost, margin) {
  const highest = points.reduce((best, point, k) => (point.profit > points[best].profit ? k : best), 0);
  const [peaks, most] = [new Float64Array(DRAWS), new Float64Array(DRAWS).fill(-Infinity)];
  points.forEach(({ share, profit }, k) => {
    const [gain, spend] = [curve.errorGain[k], curve.errorSpend[k]];
    for (let r = 0; r < DRAWS; r++) {
      const drawn = profit + margin * gain[r] - cost * spend[r];
      if (drawn > most[r]) {
        most[r] = drawn;
        peaks[r] = share;
      }
    }
  });
  peaks.sort();
  const middle = [0.025, 0.975].map((level) => peaks[Math.round(level * (DRAWS - 1))]);
  return { share: points[highest].share, lower: middle[0], upper: middle[1], profit: points[highest].profit };
}

// `data` as targeting/pages/what_if.py embeds it; the result's `at(cost, margin)` gives policies, recommendation, curve and peak.
// The columns cost and margin hold each row's over the average: where rows differ, all change in proportion.
function whatIf(data) {
  const rows = readRows(data);
  const { settings } = data;
  const group = households(rows.household);
  const curve = cumulateCurve(rows, group, settings);
  const draws = normals(COMPARISON_DRAWS * settings.policies.length, settings.seed + 1);
  const segments = heldOutSegments(rows);
  const fixed = Object.fromEntries(
    Object.entries(FIXED).map(([name, choose]) => [name, contactSums(name, choose({ rows, settings }), rows, group)]),
  );
  return {
    at(cost, margin) {
      const own = { cost: rows.cost.map((c) => c * cost), margin: rows.margin.map((m) => m * margin) };
      const seen = { rows, settings, segments, averages: { cost, margin }, ...own };
      const sums = (name) => fixed[name] ?? contactSums(name, PRICED[name](seen), rows, group);
      const table = settings.policies.map((name) => valueOf(name, sums(name), cost, margin, rows.cate.length, group));
      const points = curveAt(curve, settings, cost, margin);
      const unmoved = cost === settings.cost && margin === settings.margin;
      return { table, recommended: recommended(table, settings, draws, unmoved), points, peak: peakOf(points, curve, cost, margin) };
    },
  };
}
