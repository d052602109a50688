// Where the truth is known: the score of a pick, who plays beside, what every customer was truly worth, and one thing learned.

const MOST_SPEND = 1.25; // times the average spend, from which on a pick is of the best customers
const BETTER = 0.05; // of customers, by which a pick's share of those who pay differs from anybody's
const PLAYERS = ["own", "pipeline", "lot", "everyone", "current", "nobody"];

const trueOf = (rows, kind) => rows.find((row) => row.kind === kind).truth;

// A row's true profit as a share of the best that the coupons could earn; where that is nothing, all of it for whoever loses nothing.
function scoreOf(row, rows) {
  const best = trueOf(rows, "best");
  if (best > 0) return row.truth / best;
  return row.truth < 0 ? 0 : 1;
}

function scoreWords(score) {
  const rounded = Math.round(100 * score);
  return `${rounded === 0 ? 0 : rounded}%`;
}

function truthHeadline(rows) {
  const [pick] = rows;
  const best = trueOf(rows, "best");
  const earned = pick.truth < 0 ? `You lost ${money(-pick.truth)}` : `You earned ${money(pick.truth)}`;
  if (best > 0) return `${earned}: ${scoreWords(scoreOf(pick, rows))} of the best possible profit, ${money(best)}`;
  return `${earned}: nobody here pays for a coupon, so mailing nobody is best, and scores 100%`;
}

// The scores of all who play beside, best first, each with a bar as long as its score; losses have none.
function scoreBoard(place, rows) {
  const ranked = rows.filter((row) => PLAYERS.includes(row.kind)).sort((one, other) => other.truth - one.truth);
  place.replaceChildren(
    ...ranked.map((row) => {
      const item = document.createElement("li");
      item.className = row.kind;
      const score = scoreOf(row, rows);
      item.append(cell("span", row.label, "who"), cell("strong", scoreWords(score)), cell("span", money(row.truth), "muted"));
      item.style.setProperty("--score", Math.max(0, Math.min(1, score)));
      return item;
    }),
  );
}

const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// One thing to learn from a pick, by rule.
function lesson({ own, picked }) {
  const picks = [...picked];
  const all = own.true.map((_, i) => i);
  const paying = all.filter((i) => own.true[i] > 0).length;
  if (picks.length === 0) {
    if (paying === 0) return "You were right: nobody here buys enough more for a coupon to pay.";
    return `Whoever mails nobody loses nothing, and forgoes ${count(paying, "customer")} whom a coupon would have moved enough.`;
  }
  const mine = picks.filter((i) => own.true[i] > 0).length / picks.length;
  const anybody = paying / all.length;
  const spend = own.spend ? average(picks.map((i) => own.spend[i])) / average(own.spend) : 1;
  const shares = `${scoreWords(mine)} of yours pay for their coupon, of all customers ${scoreWords(anybody)}`;
  if (mine > anybody + BETTER) return `You found customers whom a coupon moves: ${shares}.`;
  if (spend >= MOST_SPEND) return `You mailed your best customers; most of them would have come anyway (${shares}).`;
  if (mine < anybody - BETTER) return `Who comes or spends little is not therefore moved by a coupon: ${shares}.`;
  return `Your pick did no better than a lot: ${shares}.`;
}

// Every customer's true uplift, a strip a segment: full where a coupon went, hollow where none did.
function truthChart(place, { own, data, picked, members }) {
  const list = document.createElement("ul");
  list.className = "strips dots";
  place.replaceChildren(list);
  const line = scale(data.breakeven === null ? own.true_uplift : [...own.true_uplift, data.breakeven]);
  const bins = Math.max(20, Math.floor(list.clientWidth / 6));
  data.segments.forEach((name, segment) => {
    if (members[segment].length === 0) return;
    const mailed = members[segment].filter((i) => picked.has(i));
    const left = members[segment].filter((i) => !picked.has(i));
    const pay = (customers) => customers.filter((i) => own.true[i] > 0).length;
    const went = mailed.length ? `${mailed.length} mailed, of whom ${pay(mailed)} paid` : "none mailed";
    const words = left.length ? `${went}; ${left.length} not, of whom ${pay(left)} would have paid` : went;
    const drawing = dotStrip(members[segment], own.true_uplift, line, bins, data.breakeven, (i) => (picked.has(i) ? "mailed" : "left"));
    stripItem(list, name, words, drawing);
  });
  axis(list, line, (value) => effectWords(value, data).replace(/\.00/, ""));
}

function showTruth(game, rows) {
  document.getElementById("lesson").textContent = lesson(game);
  scoreBoard(document.getElementById("scores"), rows);
  truthChart(document.getElementById("truths"), game);
}
