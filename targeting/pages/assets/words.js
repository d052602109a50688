// What the page puts in front of an amount.
const SIGN = document.documentElement.dataset.sign;

// Money with its currency's sign in front: $1,234, -$3.20; what rounds to nothing has no minus.
function money(value, digits = 0) {
  const rounded = Number(Math.abs(value).toFixed(digits));
  const text = rounded.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 && rounded > 0 ? "-" : ""}${SIGN}${text}`;
}
