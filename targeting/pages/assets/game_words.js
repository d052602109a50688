// Numbers and verdicts in words; every sentence follows from the numbers by rule.

function count(value, one, many = `${one}s`) {
  return `${Math.round(value).toLocaleString("en-US")} ${Math.round(value) === 1 ? one : many}`;
}

function interval(estimate) {
  return `${money(estimate.lower)} to ${money(estimate.upper)}`;
}

// Where an interval lies against 0: "above", "below" or "across".
function side(estimate) {
  if (estimate.lower > 0) return "above";
  return estimate.upper < 0 ? "below" : "across";
}

function headlineWords(own) {
  if (own.coupons === 0) return `You mailed nobody: ${money(0)}, for sure`;
  return `Your ${count(own.coupons, GIFT)}: estimated profit ${money(own.profit.value)}`;
}

const AGAINST_NOBODY = {
  above: "That is more than mailing nobody would have earned, beyond what chance explains.",
  below: "That is a loss beyond what chance explains: mailing nobody would have been better.",
  across: `The interval includes ${money(0)}: this profit cannot be told from mailing nobody's, so it is neither a win nor a loss.`,
};

const AGAINST_LOT = {
  above: "that is more than luck: these customers are better than any.",
  below: "that is less than luck: these customers are worse than any.",
  across: "chance alone gives such differences, so it shows no skill.",
};

// The verdict on a pick, one sentence per entry. `game` has the weights and how many campaigns were run.
function verdictWords(rows, own, data, game) {
  const [pick] = rows;
  if (pick.coupons === 0) {
    const advised = data.nobody ? ["It is also what the pipeline recommends."] : [];
    return ["No cost and nothing gained: the one profit on this page that is known for sure.", ...advised];
  }
  const lot = difference(pick, rows.find((row) => row.kind === "lot"), own);
  if (data.doubtful) return ["On these data no profit is evidence, and this one is none.", ...truthWords(pick)];
  const sentences = [`95% interval ${interval(pick.profit)}. ${AGAINST_NOBODY[side(pick.profit)]}`];
  if (support(game.weights, own) < data.fewest) {
    sentences.push(
      `It rests on fewer than ${data.fewest} customers in effect, mailed or not: too few to take its interval at its word.`,
    );
  }
  if (pick.coupons < own.household.length) {
    const more = lot.value < 0 ? "less" : "more";
    sentences.push(
      `By the same estimate as many ${GIFT}s by lot would have earned ${money(pick.profit.value - lot.value)}; ` +
        `yours earned ${money(Math.abs(lot.value))} ${more} (difference ${interval(lot)}), and ${AGAINST_LOT[side(lot)]}`,
    );
  }
  sentences.push(...truthWords(pick));
  if (game.campaigns > 1) {
    sentences.push(
      `This was campaign ${game.campaigns} since you opened the page: the best of several looks better than it is.`,
    );
  }
  return sentences;
}

// On a made-up retailer the truth is known.
function truthWords(pick) {
  if (pick.truth === null) return [];
  const { lower, upper } = pick.profit;
  const place = pick.truth < lower ? "below" : pick.truth > upper ? "above" : "inside";
  return [`This retailer is made up, so the truth is known: your pick truly earned ${money(pick.truth)}, ${place} its 95% interval.`];
}

const SHORT = { above: "beyond chance", below: "a loss beyond chance", across: `which cannot be told from ${money(0)}` };

// The result in a line that can be sent to a friend; `address` leads to the same draw.
function shareLine(rows, data, game, address) {
  const [pick] = rows;
  const start = `Target the right customers, draw ${game.draw} of data ${data.pool}: `;
  if (pick.truth !== null) return `${start}${truthHeadline(rows).replace("You", "I")}. ${address}`;
  if (pick.coupons === 0) return `${start}I mailed nobody, ${money(0)}. ${address}`;
  const lot = rows.find((row) => row.kind === "lot");
  const worth = data.doubtful ? "no evidence on these data" : SHORT[side(pick.profit)];
  const tries = game.campaigns > 1 ? ` in campaign ${game.campaigns}` : "";
  return (
    `${start}${count(pick.coupons, GIFT)}, estimated profit ${money(pick.profit.value)}${tries} ` +
    `(95% interval ${interval(pick.profit)}), ${worth}; by lot ${money(lot.profit.value)}. ${address}`
  );
}
