const Z = 1.959963984540054; // 97.5% point of the standard normal distribution

function withInterval(value, se) {
  return { value, se, lower: value - Z * se, upper: value + Z * se };
}
