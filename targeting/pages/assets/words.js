// What the page puts in front of an amount.
const SIGN = document.documentElement.dataset.sign;

// One of those who are mailed, and one of them at one campaign.
const { one: ONE, row: ROW } = document.documentElement.dataset;

// Where contacts cost cents, two digits of a small amount count, as in targeting/words/money.py.
const FINE = document.documentElement.dataset.fine !== undefined;

// Money with its currency's sign in front: $1,234, -$3.20; what rounds to nothing has no minus.
function money(value, decimals = 0) {
  const size = Math.abs(value);
  const small = FINE && decimals === 2 && size >= 0.00005 && size < 0.0995;
  const digits = small ? (size >= 0.00995 ? 3 : 4) : decimals;
  const rounded = Number(Math.abs(value).toFixed(digits));
  const text = rounded.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 && rounded > 0 ? "-" : ""}${SIGN}${text}`;
}
