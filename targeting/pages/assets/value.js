// Means over rows with intervals clustered by household, as targeting/stats/estimates.py defines them.

// Rows' households (any numbers) as codes 0, 1, ..., with each household's number of rows.
function households(ids) {
  const codes = new Map();
  const code = Int32Array.from(ids, (id) => {
    if (!codes.has(id)) codes.set(id, codes.size);
    return codes.get(id);
  });
  const size = new Float64Array(codes.size);
  for (const c of code) size[c] += 1;
  return { code, size };
}

function mean(values) {
  let total = 0;
  for (const value of values) total += value;
  return total / values.length;
}

// Household sums of each row's distance from `centre`.
function deviations(values, centre, group) {
  const sums = new Float64Array(group.size.length);
  for (let i = 0; i < values.length; i++) sums[group.code[i]] += values[i] - centre;
  return sums;
}

// Factor that makes a sum of squared household sums the variance of a mean over n rows.
function clusterFactor(n, group) {
  const count = group.size.length;
  return count / (count - 1) / (n * n);
}

function dot(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function meanEstimate(values, group) {
  const value = mean(values);
  const sums = deviations(values, value, group);
  return withInterval(value, Math.sqrt(clusterFactor(values.length, group) * dot(sums, sums)));
}

// On how many rows in effect (Kish's size) the value of `weights` (who is contacted) rests, in its weaker arm.
function support(weights, rows) {
  const [sums, squares] = [[0, 0], [0, 0]]; // of controls and treated
  for (let i = 0; i < weights.length; i++) {
    const arm = rows.treated[i] > 0 ? 1 : 0;
    const weight = weights[i] / (arm === 1 ? rows.propensity[i] : 1 - rows.propensity[i]);
    sums[arm] += weight;
    squares[arm] += weight * weight;
  }
  return Math.min(...sums.map((sum, arm) => (sum > 0 ? (sum * sum) / squares[arm] : 0)));
}
