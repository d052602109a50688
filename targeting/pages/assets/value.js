// Means and ratios over rows with intervals clustered by household, as targeting/stats/estimates.py defines them.
const Z = 1.959963984540054; // 97.5% point of the standard normal distribution

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

function withInterval(value, se) {
  return { value, se, lower: value - Z * se, upper: value + Z * se };
}

// An estimate over n rows from its value and each household's sum of influences on it.
function clusteredEstimate(value, sums, n, group) {
  return { ...withInterval(value, Math.sqrt(clusterFactor(n, group) * dot(sums, sums))), sums };
}

function meanEstimate(values, group) {
  const value = mean(values);
  return clusteredEstimate(value, deviations(values, value, group), values.length, group);
}

// Standard normal numbers from a seed, through Box and Muller's transformation.
function normals(count, seed) {
  const next = randomNumbers(seed);
  const uniform = () => next() / 4294967296;
  const made = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    made[i] = radius * Math.cos(angle);
    if (i + 1 < count) made[i + 1] = radius * Math.sin(angle);
  }
  return made;
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

function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

// How many standard errors cover all of several estimates at once with 95%, from their household sums; 0 where none varies.
function criticalValue(estimates, draws) {
  const known = estimates.filter((item) => item.se > 0);
  const m = known.length;
  if (m === 0) return 0;
  const norms = known.map((item) => Math.sqrt(dot(item.sums, item.sums)));
  const factor = known.map(() => new Float64Array(m)); // lower Cholesky factor of the correlations
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = i === j ? 1 + 1e-9 : dot(known[i].sums, known[j].sums) / (norms[i] * norms[j]);
      for (let k = 0; k < j; k++) rest -= factor[i][k] * factor[j][k];
      factor[i][j] = i === j ? Math.sqrt(Math.max(rest, 0)) : factor[j][j] > 0 ? rest / factor[j][j] : 0;
    }
  }
  const count = Math.floor(draws.length / m);
  const largest = new Float64Array(count);
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < m; i++) {
      let value = 0;
      for (let k = 0; k <= i; k++) value += factor[i][k] * draws[r * m + k];
      largest[r] = Math.max(largest[r], Math.abs(value));
    }
  }
  return quantile(largest, 0.95);
}
