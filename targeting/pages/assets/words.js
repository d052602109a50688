// What the page puts in front of an amount.
const SIGN = document.documentElement.dataset.sign;

// One of those who are mailed, and one of them at one campaign.
const { one: ONE, row: ROW } = document.documentElement.dataset;

// From which size on amounts below a tenth have so many decimals, two digits each, as in targeting/words/money.py.
const FINER = [[0.00995, 3], [0.000995, 4], [0.0000995, 5], [0.00000995, 6]];

// Many together: whole units, but where there are not ten.
const total = (value) => money(value, value === 0 || Math.abs(value) >= 9.995 ? 0 : 2);

// Money with its currency's sign in front: $1,234, -$3.20, $0.017; what rounds to nothing has no minus.
function money(value, decimals = 0) {
  const size = Math.abs(value);
  const small = decimals === 2 && size < 0.0995 ? FINER.find(([least]) => size >= least) : undefined;
  const digits = small ? small[1] : decimals;
  const rounded = Number(Math.abs(value).toFixed(digits));
  const text = rounded.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 && rounded > 0 ? "-" : ""}${SIGN}${text}`;
}
