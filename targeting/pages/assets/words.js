// What the page puts in front of an amount.
const SIGN = document.documentElement.dataset.sign;

// One of those who are mailed, one of them at one campaign, and what they get.
const { one: ONE, row: ROW, gift: GIFT } = document.documentElement.dataset;

const capital = (text) => text[0].toUpperCase() + text.slice(1);

// From which size on amounts below a tenth have so many decimals, two digits each, as in targeting/words/money.py.
const FINER = [[0.00995, 3], [0.000995, 4], [0.0000995, 5], [0.00000995, 6]];

// Many together: whole units, but where there are not ten.
const total = (value) => money(value, value === 0 || Math.abs(value) >= 9.995 ? 0 : 2);

// How many digits such a number has, where else it had `decimals`.
function digitsOf(value, decimals) {
  const size = Math.abs(value);
  const small = decimals === 2 && size < 0.0995 ? FINER.find(([least]) => size >= least) : undefined;
  return small ? small[1] : decimals;
}

// Money with its currency's sign in front: $1,234, -$3.20, $0.017; what rounds to nothing has no minus.
function money(value, decimals = 0) {
  const digits = digitsOf(value, decimals);
  const rounded = Number(Math.abs(value).toFixed(digits));
  const text = rounded.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 && rounded > 0 ? "-" : ""}${SIGN}${text}`;
}

// An effect in the unit of the outcome.
function effectWords(value, { outcome, unit }) {
  return outcome === "purchase_amount" ? money(value, 2) : `${value.toFixed(digitsOf(value, 2))} ${unit}`;
}
