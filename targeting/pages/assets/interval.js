const Z = 1.959963984540054; // 97.5% point of the standard normal distribution

// The chance that what is believed to be `value`, give or take `se`, is below nothing; by the polynomial 26.2.17 of Abramowitz and
// Stegun, Handbook of Mathematical Functions (1964), which is right to one part in ten million.
function chanceBelow({ value, se }) {
  if (se === 0) return value < 0 ? 1 : 0;
  const z = Math.abs(value / se);
  const t = 1 / (1 + 0.2316419 * z);
  const sum = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.31938153].reduce((made, factor) => t * (factor + made), 0);
  const tail = (Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI)) * sum;
  return value < 0 ? 1 - tail : tail;
}

function withInterval(value, se) {
  return { value, se, lower: value - Z * se, upper: value + Z * se };
}
