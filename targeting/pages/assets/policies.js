// Whom each policy contacts at a cost and a margin, as targeting/policies.py decides: 1 or 0 for each row.
// `rows` holds one typed array a column; cost and margin are arrays, one number a row.

function contactWhere(rows, wanted) {
  return Float64Array.from(rows.cate, (_, i) => (rows.overlap[i] && wanted(i) ? 1 : 0));
}

function pays(rows, effect, cost, margin) {
  return contactWhere(rows, (i) => effect[i] > cost[i] / margin[i]);
}

function firstShare(rows, count) {
  return contactWhere(rows, (i) => rows.rank[i] < count);
}

// Mean profit of a contact in the row's segment, over the rows inside the overlap that other folds hold.
function heldOutSegmentProfit(rows, cost, margin) {
  const all = new Map();
  const own = new Map();
  const key = (i) => `${rows.segment[i]}|${rows.fold[i]}`;
  const add = (sums, name, value) => {
    const found = sums.get(name) ?? [0, 0];
    sums.set(name, [found[0] + value, found[1] + 1]);
  };
  for (let i = 0; i < rows.cate.length; i++) {
    if (!rows.overlap[i]) continue;
    const profit = margin[i] * rows.score[i] - cost[i];
    add(all, rows.segment[i], profit);
    add(own, key(i), profit);
  }
  return Float64Array.from(rows.cate, (_, i) => {
    const [total, count] = all.get(rows.segment[i]) ?? [0, 0];
    const [held, heldCount] = own.get(key(i)) ?? [0, 0];
    return count > heldCount ? (total - held) / (count - heldCount) : 0;
  });
}

// Campaign by campaign in the order of contact, while the budget lasts; sums in millionths of a dollar, as in Python.
function withinBudget(rows, cost, margin, budget) {
  const wanted = pays(rows, rows.cate, cost, margin);
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

const POLICIES = {
  none: ({ rows }) => new Float64Array(rows.cate.length),
  all: ({ rows }) => new Float64Array(rows.cate.length).fill(1),
  current: ({ rows }) => rows.treated,
  breakeven: ({ rows, cost, margin }) => pays(rows, rows.cate, cost, margin),
  positive: ({ rows }) => contactWhere(rows, (i) => rows.cate[i] > 0),
  top_20: ({ rows, settings }) => firstShare(rows, settings.top.top_20),
  top_30: ({ rows, settings }) => firstShare(rows, settings.top.top_30),
  conservative: ({ rows, cost, margin }) => pays(rows, rows.lower, cost, margin),
  risk_adjusted: ({ rows, cost, margin, settings }) =>
    pays(rows, rows.cate.map((value) => (1 - settings.caution) * value), cost, margin),
  segment: ({ rows, cost, margin }) => {
    const profit = heldOutSegmentProfit(rows, cost, margin);
    return contactWhere(rows, (i) => profit[i] > 0);
  },
  policy_tree: ({ rows }) => contactWhere(rows, (i) => rows.tree[i] > 0),
  budget: ({ rows, cost, margin, settings }) => withinBudget(rows, cost, margin, settings.budget),
};
