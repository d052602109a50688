// The report: draws its charts, and lets the reader change cost, margin and axes. Words reach the page as text only.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const percent = (value) => `${Math.round(value * 100)}%`;
// A chance, or a share of those who are mailed, as chance of targeting/words/numbers.py says it: never 0% of something.
function chance(value) {
  if (value > 0 && value < 0.01) return "less than 1%";
  return value > 0.99 && value < 1 ? "more than 99%" : percent(value);
}
// A tenth of a percent where it is no whole one, as the run's own may be between two steps.
const marginWords = (share) => `${Number((100 * share).toFixed(1))}%`;
const within = (estimate) => `${money(estimate.value, 2)} (${money(estimate.lower, 2)} to ${money(estimate.upper, 2)})`;

async function draw(id, spec) {
  const place = document.getElementById(`chart-${id}`);
  const words = place.getAttribute("aria-label");
  // Expressions are interpreted, not compiled: the page's policy allows no code made from text.
  const chart = await vegaEmbed(place, spec, {
    ast: true,
    actions: false,
    renderer: "svg",
    tooltip: { sanitize: escaped },
    formatLocale: { decimal: ".", thousands: ",", grouping: [3], currency: [SIGN, ""] },
  });
  // The place has the words that stand for the drawing; its hundreds of marks would only be in the way of a screen reader.
  place.querySelector("svg").setAttribute("aria-hidden", "true");
  // Vega puts "Vega visualization" in the place of those words.
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", words);
  place.removeAttribute("aria-roledescription");
  return chart;
}

function escaped(value) {
  const holder = document.createElement("span");
  holder.textContent = String(value);
  return holder.innerHTML;
}

// How low its profit may be when intervals are to hold for all policies compared; nothing to add for a single one.
function together(row, compared) {
  if (compared === 1) return "";
  return `; with ${compared === 2 ? "both" : `all ${compared}`} compared at once it may be as low as ${money(row.together, 2)}`;
}

// What recommendation_words of targeting/sentences/policy.py says, in short; `answers` is what the overlap allows to be said.
function sentence(result, at, answers) {
  if (answers === "nothing") return `${at}: mail nobody; those mailed and those not mailed do not compare, so no profit is evidence.`;
  const able = result.table.filter((item) => item.candidate);
  if (result.recommended !== "none") {
    const row = result.table.find((item) => item.policy === result.recommended);
    const outside = row.outside > 0 ? `, ${percent(row.outside)} of them outside the overlap, on belief alone` : "";
    const reach = `${row.contacts.toLocaleString("en-US")} ${ROW}s (${percent(row.share)})${outside}`;
    const where = row.outside > 0 ? ` by its part inside the overlap, where ${money(row.compared, 2)} was expected` : "";
    const earned = `measured off-policy it earned ${within(row.profit)}${where}${together(row, able.length)}`;
    return `${at}: mail ${row.mails}, ${reach}, expected to earn ${within(row.expected)} per ${ONE}; ${earned}.`;
  }
  if (able.length === 0) return `${at}: mail nobody; no policy has enough contacts inside the overlap to be judged.`;
  const best = able.reduce((one, other) => (other.profit.value > one.profit.value ? other : one));
  const compared = able.length === 1 ? "the only one that can be judged" : `the best of ${able.length}`;
  const earns = `mailing ${best.mails}, earns ${within(best.profit)} per ${ONE}${together(best, able.length)}`;
  return `${at}: mail nobody; no policy is expected to earn more (${compared}, ${earns}).`;
}

// The decision in a dozen words, as decision_headline of targeting/sentences/decision.py says the run's own.
function headline(result, answers, everybody) {
  const at = `At ${money(result.cost, 2)}`;
  if (result.recommended !== "none") {
    const row = result.table.find((item) => item.policy === result.recommended);
    const shown = row.candidate && row.together > 0;
    return `${at} mail ${chance(row.share)} of ${ONE}s: ${shown ? "shown to pay" : "the best bet"}.`;
  }
  const reached = result.table.find((item) => item.policy === (answers === "everybody" ? "all" : "inside"));
  if (reached.profit.upper < 0) return `${at} mail nobody: ${everybody} is shown to lose.`;
  return `${at} mail nobody yet: not known, test it.`;
}

// `before` is what is decided at the last stop before the turn, which may be to mail a handful for next to nothing.
function turnWords(turn, before, margin, costs) {
  if (turn === null) return "At this margin no cost on the slider turns the decision.";
  const { share, expected } = before.table.find((item) => item.policy === before.recommended);
  const gain = expected.value < turn.last / 1000 ? "almost no profit" : `an expected ${money(expected.value, 2)} per ${ONE}`;
  const just = share >= 0.5 ? "" : `; just below that, mail ${chance(share)}, for ${gain}`;
  const most = turn.most < 0 ? "" : `Most ${ONE}s are to be mailed up to ${money(costs[turn.most], 2)} per contact (dotted mark). `;
  return `${most}From ${money(turn.first, 2)} on (dashed mark), mail nobody${just} (margin ${margin}).`;
}

// What of the first screen is of the run alone: said where the sliders are elsewhere, with what would make it so there.
function tellOfRun(own, { cost, margin }) {
  document.getElementById("of-run").classList.toggle("other", !own);
  document.getElementById("of-run-note").hidden = own;
  const options = document.getElementById("of-run-options");
  options.textContent = `-S policy.cost=${Number(cost.toPrecision(4))} -S policy.margin=${Number(margin.toPrecision(4))}${options.dataset.also}`;
}

// Marks under the slider of costs: between the stops where the decision turns, and where it no longer mails most.
function markTurn(turn, last) {
  const places = { "turn-mark": turn && turn.stop, "most-mark": turn && turn.most >= 0 && turn.most + 1 < turn.stop ? turn.most + 1 : null };
  for (const [id, stop] of Object.entries(places)) {
    const mark = document.getElementById(id);
    mark.hidden = stop === null;
    if (stop !== null) mark.style.setProperty("--at", (stop - 0.5) / last);
  }
}

function fillTable(result, at) {
  for (const row of result.table) {
    const line = document.querySelector(`tr[data-policy="${row.policy}"]`);
    line.classList.toggle("best", row.policy === result.recommended);
    const cells = {
      share: percent(row.share),
      profit: "extrapolated" in line.dataset ? `${money(row.profit.value, 2)} (no interval: extrapolated)` : within(row.profit),
      total: total(row.total),
      roi: row.roi === null ? "" : percent(row.roi),
    };
    for (const [name, text] of Object.entries(cells)) line.querySelector(`[data-cell="${name}"]`).textContent = text;
  }
  document.getElementById("policy-caption").textContent = `${at}.`;
}

// What mailing one household earns, of each segment and in each past campaign.
function fillProfits({ cost, margin }) {
  for (const place of document.querySelectorAll("[data-effect]")) {
    const [value, lower, upper] = ["effect", "lower", "upper"].map((name) => margin * Number(place.dataset[name]) - cost);
    place.textContent = within({ value, lower, upper });
  }
}

// The captions of those names, one after the other, with values in the places for them.
function caption(data, values, ...names) {
  return names.map((name) => data.captions[name].replace(/\{(\w+)\}/g, (_, key) => values[key])).join("");
}

const inMoney = (numbers) => Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, money(value, 2)]));

// The three numbers of the first screen away from the run's own, whose words are the page's.
function otherNumbers({ cost, margin, table, recommended }, data) {
  const place = document.getElementById("number-brings").dataset;
  const names = ["expected", "lower", "upper", "measured", "measured_lower", "measured_upper"];
  const brought = inMoney(Object.fromEntries(names.map((name) => [name, margin * Number(place[name])])));
  const price = { source: "as the slider says", breakeven: margin > 0 ? effectWords(cost / margin, data) : "" };
  return {
    ...(place.expected && { brings: [brought.expected, caption(data, brought, "brings", "measured")] }),
    costs: [money(cost, 2), caption(data, price, "costs", ...(margin > 0 ? ["pays"] : []))],
    earns: recommended === "none" ? earnsNothing(table, data, place.expected) : earnsSome(table, data, recommended),
  };
}

function earnsSome(table, data, recommended) {
  const { expected, outside, compared } = table.find((row) => row.policy === recommended);
  const { lower, upper } = expected;
  const values = { ...inMoney({ lower, upper, compared }), risk: chance(chanceBelow(expected)) };
  return [money(expected.value, 2), caption(data, values, "earns", ...(outside > 0 ? ["belief"] : []))];
}

// What mailing everybody in the overlap would earn is said where anything is believed of it.
function earnsNothing(table, data, believed) {
  const { share, expected } = table.find((row) => row.policy === "inside");
  const values = { share: percent(share), expected: money(expected.value, 2), pays: chance(1 - chanceBelow(expected)) };
  return [money(0, 2), caption(data, values, "nothing", ...(believed ? ["instead"] : []))];
}

function fillNumbers(numbers) {
  for (const [key, [value, caption]] of Object.entries(numbers)) {
    document.querySelector(`#number-${key} dd`).textContent = value;
    document.querySelector(`#number-${key} dt`).textContent = caption;
  }
}

function numbersShown() {
  const words = (place) => ["dd", "dt"].map((part) => place.querySelector(part).textContent);
  return Object.fromEntries([...document.querySelectorAll(".numbers div")].map((place) => [place.id.slice("number-".length), words(place)]));
}

// The curve for those who do not see it or have no mouse: the words that stand for the drawing, and its numbers.
function tellCurve(points, at, words) {
  const place = document.getElementById("chart-roi");
  place.setAttribute("aria-label", `${place.dataset.summary} ${words}`);
  document.getElementById("curve-caption").textContent = `${at}.`;
  for (const line of document.querySelectorAll("#curve-table tr[data-point]")) {
    const { profit, lower, upper } = points[Number(line.dataset.point)];
    line.querySelector("td").textContent = within({ value: profit, lower, upper });
  }
}

function peakWords({ share, lower, upper }) {
  const range = `${percent(lower)} to ${percent(upper)}`;
  return `Here profit is highest when ${percent(share)} are contacted; the data allow some ${range}.`;
}

// What else follows the sliders, once it is drawn.
const followers = [];

function followBreakeven(chart, model) {
  const follow = ({ cost, margin }) => {
    const breakeven = margin > 0 ? cost / margin : null;
    chart.view.data("breakeven", breakeven === null ? [] : [{ breakeven }]).run();
  };
  followers.push(follow);
  follow(model.at(...["cost", "margin"].map((name) => Number(document.getElementById(name).value))));
}

function startWhatIf(chart) {
  const data = read("lookup");
  const model = whatIf(data);
  // A slider counts its stops, among which the run's own number is, whatever steps the others make.
  const inputs = ["cost", "margin"].map((name) => document.getElementById(name));
  const { answers, outcome } = data;
  const place = document.getElementById("chart-roi");
  const ownWords = place.getAttribute("aria-label").slice(place.dataset.summary.length + 1);
  const decision = document.getElementById("decision");
  const ownDecision = decision.textContent;
  const ownNumbers = numbersShown();
  const show = () => {
    const result = model.at(...inputs.map((input) => Number(input.value)));
    const margin = outcome === "purchase_amount" ? marginWords(result.margin) : `${money(result.margin, 2)} per ${inputs[1].dataset.each}`;
    const words = [money(result.cost, 2), margin];
    inputs.forEach((input, i) => {
      document.getElementById(`${input.id}-shown`).textContent = words[i];
      input.setAttribute("aria-valuetext", words[i]);
    });
    const at = `At ${words[0]} per contact and a margin of ${margin}`;
    document.getElementById("what-if").textContent = sentence(result, at, answers);
    const [, stop] = inputs.map((input) => Number(input.value));
    const turn = answers === "nothing" ? null : model.turn(stop);
    document.getElementById("turns").textContent = answers === "nothing" ? "" : turnWords(turn, turn && model.at(turn.stop - 1, stop), margin, data.costs);
    markTurn(turn, Number(inputs[0].max));
    // At the run's own cost and margin the words under the curve say so, by more draws; where the arms do not compare nothing does.
    const own = inputs.every((input) => input.value === input.defaultValue);
    const told = own || answers === "nothing" ? ownDecision : headline(result, answers, decision.dataset.everybody);
    decision.textContent = told;
    tellOfRun(own, result);
    fillNumbers(own ? ownNumbers : otherNumbers(result, data));
    const peak = answers === "nothing" ? "" : peakWords(result.peak);
    document.getElementById("what-if-peak").textContent = own ? "" : peak;
    fillTable(result, at);
    fillProfits(result);
    tellCurve(result.points, at, own ? ownWords : `${at}. ${peak}`);
    chart.view.data("curve", result.points).run();
    for (const follow of followers) follow(result);
  };
  for (const input of inputs) input.addEventListener("input", show);
  for (const tick of document.querySelectorAll("[data-cost]")) {
    tick.addEventListener("click", () => {
      inputs[0].value = tick.dataset.cost;
      show();
    });
  }
  document.getElementById("reset").addEventListener("click", () => {
    for (const input of inputs) input.value = input.defaultValue;
    show();
  });
  show();
  return model;
}

function startAxes(spec, axes) {
  const chosen = { x: document.getElementById("axis-x"), y: document.getElementById("axis-y") };
  const redraw = () => {
    const changed = structuredClone(spec);
    for (const layer of changed.layer) {
      for (const [channel, select] of Object.entries(chosen)) {
        Object.assign(layer.encoding[channel], { field: select.value, ...axes[select.value] });
      }
    }
    return draw("positioning", changed);
  };
  for (const select of Object.values(chosen)) select.addEventListener("change", redraw);
  return redraw();
}

async function start() {
  const charts = read("charts");
  const { roi, positioning, ...others } = charts;
  window.model = startWhatIf(await draw("roi", roi));
  if (positioning) await startAxes(positioning, read("axes"));
  // A chart in a closed part of the page has no width: it is drawn when the part opens.
  const drawn = async (name, spec) => {
    const chart = await draw(name, spec);
    if (spec.datasets?.breakeven) followBreakeven(chart, window.model);
  };
  for (const [name, spec] of Object.entries(others)) {
    const hidden = document.getElementById(`chart-${name}`).closest("details");
    if (hidden) hidden.addEventListener("toggle", () => drawn(name, spec), { once: true });
    else await drawn(name, spec);
  }
  document.body.dataset.ready = "yes";
}

start();
