// What the campaign shows when it is run: the verdict, the comparison, each customer's uplift, and a line to share.

const CUSTOMERS_AT_ONCE = 50;

function showResult(game) {
  const { own, data } = game;
  game.weights = own.household.map((_, i) => (game.picked.has(i) ? 1 : 0));
  const rows = comparison(game.weights, own, data);
  const known = Boolean(own.true);
  document.getElementById("result-title").textContent = known ? truthHeadline(rows) : headlineWords(rows[0]);
  document.getElementById("verdict").replaceChildren(...verdictWords(rows, own, data, game).map((text) => cell("p", text)));
  document.getElementById("picking").hidden = true;
  document.getElementById("result").hidden = false;
  profitChart(document.getElementById("profits"), rows);
  document.getElementById("table").replaceChildren(profitTable(rows, own, data));
  if (known) showTruth(game, rows);
  showUplifts(game);
  document.getElementById("line").value = shareLine(rows, data, game, address());
  document.getElementById("copied").textContent = "";
  // On a phone the introduction would leave no room for the score.
  document.getElementById("result-title").focus({ preventScroll: true });
  document.getElementById("result-title").scrollIntoView();
}

// Where a friend finds the same draw: a page that is read from a disk has no address to share.
function address() {
  const here = location.protocol === "file:" ? location.pathname.split("/").pop() : location.origin + location.pathname;
  return here + location.hash;
}

function profitTable(rows, own, data) {
  const known = rows.some((row) => row.truth !== null);
  const headings = ["Whose", `${capital(GIFT)}s`, "The model had promised", "Estimated profit", "95% interval"];
  headings.push("Your pick less this", "95% interval");
  if (known) headings.push("In truth");
  const body = rows.map((row) => {
    const gain = difference(rows[0], row, own);
    const gains = row.kind === "own" ? ["", ""] : [money(gain.value), interval(gain)];
    const ends = row.coupons === 0 ? "for sure" : interval(row.profit);
    const coupons = Math.round(row.coupons).toLocaleString("en-US");
    const texts = [row.label, coupons, money(row.promised), money(row.profit.value), ends, ...gains];
    return known ? [...texts, money(row.truth)] : texts;
  });
  return tableOf(`Profits over nobody's, in ${document.documentElement.dataset.money}, for this draw`, headings, body);
}

// Dots and table of the picked customers' uplifts; nothing where nobody was picked.
function showUplifts(game) {
  const none = game.picked.size === 0;
  document.getElementById("single").hidden = none;
  if (none) return;
  upliftChart(document.getElementById("uplifts"), game);
  const byUplift = [...game.picked].sort((a, b) => game.own.uplift[b] - game.own.uplift[a] || a - b);
  showCustomerTable(game, byUplift, CUSTOMERS_AT_ONCE);
}

function showCustomerTable(game, customers, shown) {
  const { own, data } = game;
  const effect = (value) => effectWords(value, data);
  const headings = ["Customer", "Segment", "Uplift, estimated", `Less the ${GIFT}'s cost`];
  if (own.lower) headings.splice(3, 0, "95% interval");
  if (own.true_uplift) headings.push("Uplift, in truth");
  const rows = customers.slice(0, shown).map((i) => {
    const texts = [`No. ${i + 1}`, data.segments[own.segment[i]], effect(own.uplift[i]), money(own.promised[i], 2)];
    if (own.lower) texts.splice(3, 0, `${effect(own.lower[i])} to ${effect(own.upper[i])}`);
    if (own.true_uplift) texts.push(effect(own.true_uplift[i]));
    return texts;
  });
  const place = document.querySelector("#customers > div");
  place.replaceChildren(tableOf("Your customers, the largest estimated uplift first", headings, rows, 2));
  if (shown < customers.length) {
    const more = () => {
      showCustomerTable(game, customers, shown + CUSTOMERS_AT_ONCE);
      place.querySelector("[tabindex]").focus();
    };
    place.append(moreButton(`Show ${Math.min(CUSTOMERS_AT_ONCE, customers.length - shown)} more`, more));
  }
}

// Copies the result line; where the browser lets no page do so, marks it for the reader to copy.
async function copyLine() {
  const line = document.getElementById("line");
  const said = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(line.value);
    said.textContent = "Copied.";
  } catch {
    line.focus();
    line.select();
    said.textContent = "This browser does not let a page copy: the line is marked, press Ctrl+C (or ⌘C).";
  }
}
