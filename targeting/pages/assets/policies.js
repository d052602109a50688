// Whom each policy contacts at a cost and a margin, as targeting/policy/policies.py decides: 1 or 0 for each row.
// `rows` holds one typed array a column; cost and margin are arrays, one number a row.

function contactWhere(rows, wanted) {
  const chosen = new Float64Array(rows.cate.length);
  for (let i = 0; i < chosen.length; i++) if (rows.overlap[i] && wanted(i)) chosen[i] = 1;
  return chosen;
}

function pays({ rows, cost, margin }, effect, factor = 1) {
  return contactWhere(rows, (i) => factor * effect[i] > cost[i] / margin[i]);
}

// Each row's cell of segment and fold; of each cell, what a contact in its segment gains and spends in the mean at cost 1 and
// margin 1, over the rows inside the overlap that other folds hold.
function heldOutSegments(rows) {
  const [codes, segments] = [new Map(), new Map()];
  const cell = new Int32Array(rows.cate.length);
  const own = [];
  const add = (sums, i) => {
    sums.gain += rows.margin[i] * rows.score[i];
    sums.spend += rows.cost[i];
    sums.count += 1;
  };
  for (let i = 0; i < cell.length; i++) {
    const [key, segment] = [`${rows.segment[i]}|${rows.fold[i]}`, rows.segment[i]];
    if (!segments.has(segment)) segments.set(segment, { gain: 0, spend: 0, count: 0 });
    if (!codes.has(key)) {
      codes.set(key, codes.size);
      own.push({ all: segments.get(segment), gain: 0, spend: 0, count: 0 });
    }
    cell[i] = codes.get(key);
    if (!rows.overlap[i]) continue;
    add(segments.get(segment), i);
    add(own[cell[i]], i);
  }
  const others = (name) =>
    Float64Array.from(own, ({ all, ...held }) =>
      all.count > held.count ? (all[name] - held[name]) / (all.count - held.count) : 0,
    );
  return { cell, gain: others("gain"), spend: others("spend") };
}

// Campaign by campaign in the order of contact, while the budget lasts; sums in millionths of a dollar, as in Python.
function withinBudget(seen) {
  const { rows, cost, settings: { budget } } = seen;
  const wanted = pays(seen, rows.cate);
  const chosen = new Float64Array(wanted.length);
  const spent = new Map();
  const contacts = new Map();
  const closed = new Set();
  for (const i of rows.order) {
    const campaign = rows.campaign[i];
    if (!wanted[i] || closed.has(campaign)) continue;
    const sum = (spent.get(campaign) ?? 0) + Math.round(cost[i] * 1e6);
    const number = (contacts.get(campaign) ?? 0) + 1;
    if ((budget.usd !== null && sum > Math.round(budget.usd * 1e6)) || (budget.contacts !== null && number > budget.contacts)) {
      closed.add(campaign);
      continue;
    }
    spent.set(campaign, sum);
    contacts.set(campaign, number);
    chosen[i] = 1;
  }
  return chosen;
}

// Whom these contact is the same at any cost and margin,
const FIXED = {
  none: ({ rows }) => new Float64Array(rows.cate.length),
  all: ({ rows }) => new Float64Array(rows.cate.length).fill(1),
  current: ({ rows }) => rows.treated,
  positive: ({ rows }) => contactWhere(rows, (i) => rows.cate[i] > 0),
  top_20: ({ rows, settings }) => contactWhere(rows, (i) => rows.rank[i] < settings.top.top_20),
  top_30: ({ rows, settings }) => contactWhere(rows, (i) => rows.rank[i] < settings.top.top_30),
  policy_tree: ({ rows }) => contactWhere(rows, (i) => rows.tree[i] > 0),
};
// and whom these do depends on them. `averages` are the cost and the margin that the arrays are proportional to.
const PRICED = {
  breakeven: (seen) => pays(seen, seen.rows.cate),
  conservative: (seen) => pays(seen, seen.rows.lower),
  risk_adjusted: (seen) => pays(seen, seen.rows.cate, 1 - seen.settings.caution),
  segment: ({ rows, segments: { cell, gain, spend }, averages }) => {
    const profit = gain.map((value, code) => averages.margin * value - averages.cost * spend[code]);
    return contactWhere(rows, (i) => profit[cell[i]] > 0);
  },
  budget: (seen) => withinBudget(seen),
};
