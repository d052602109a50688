// Picking: `game.picked` holds the customers with a coupon, as numbers from 0 in the draw; all else on the page follows from it.

const SHOWN_AT_ONCE = 25;
// The facts that a player may see of a customer: column, heading, how it reads, and the order of coupons that it allows.
const FACTS = {
  spend: {
    heading: (days) => `${days}-day spend`,
    show: (value) => money(value),
    largest: (days) => `those who spent most in ${days} days`,
  },
  visits: {
    heading: (days) => `${days}-day visits`,
    show: (value) => String(value),
    largest: (days) => `those who came most in ${days} days`,
  },
  away: { heading: () => "Days away", show: (value) => String(value), largest: () => "those longest away" },
};

// Facts of a table that users brought, by the words for them; a few digits tell such numbers apart.
function addOwnFacts(words) {
  for (const [name, text] of Object.entries(words)) {
    FACTS[name] = {
      heading: () => text,
      show: (value) => Number(value.toPrecision(4)).toLocaleString("en-US"),
      largest: () => `those with the largest ${text}`,
    };
  }
}

// The customers of a segment in the order in which they get coupons.
function membersInOrder(game, segment) {
  const members = game.members[segment].slice();
  const fact = game.own[game.order];
  if (fact) members.sort((a, b) => fact[b] - fact[a] || a - b);
  return members;
}

function pickedIn(game, segment) {
  return game.members[segment].filter((customer) => game.picked.has(customer)).length;
}

function couponsLeft(game) {
  return game.data.coupons - game.picked.size;
}

// Gives a segment this many coupons, or as many as it may have; says what stood in the way, if anything did.
function setCount(game, segment, wanted) {
  const members = membersInOrder(game, segment);
  const own = pickedIn(game, segment);
  const most = Math.min(members.length, own + couponsLeft(game));
  const target = Math.max(0, Math.min(Math.round(wanted) || 0, most));
  const open = members.filter((customer) => !game.picked.has(customer));
  const taken = members.filter((customer) => game.picked.has(customer)).reverse();
  open.slice(0, Math.max(0, target - own)).forEach((customer) => game.picked.add(customer));
  taken.slice(0, Math.max(0, own - target)).forEach((customer) => game.picked.delete(customer));
  if (wanted <= target) return "";
  return most < members.length ? `All ${GIFT}s are handed out.` : `That is all of them: ${count(members.length, "customer")}.`;
}

// Gives one customer a coupon or takes it back; says so if none is left.
function togglePick(game, customer, wanted) {
  if (!wanted) game.picked.delete(customer);
  else if (couponsLeft(game) > 0) game.picked.add(customer);
  else return `All ${GIFT}s are handed out: take one back first.`;
  return "";
}

function cell(kind, text, className = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// A table from headings and rows of texts or nodes, the first of each row its heading; columns from `numbers` on are
// right-aligned. The box scrolls, and the keyboard can do that.
// With its column's words, which a narrow screen shows before it.
function labelled(made, words) {
  made.dataset.label = words;
  return made;
}

function tableOf(caption, headings, rows, numbers = 1) {
  const box = document.createElement("div");
  box.className = "scroll";
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", caption);
  const table = box.appendChild(document.createElement("table"));
  table.appendChild(cell("caption", caption));
  const head = table.appendChild(document.createElement("thead")).insertRow();
  headings.forEach((text, i) => {
    const made = cell("th", text, i >= numbers ? "n" : "");
    made.scope = "col";
    head.appendChild(made);
  });
  const body = table.appendChild(document.createElement("tbody"));
  rows.forEach((texts) => {
    const row = body.insertRow();
    texts.forEach((text, i) => row.append(i === 0 ? rowHeading(text) : labelled(cell("td", text, i >= numbers ? "n" : ""), headings[i])));
  });
  return box;
}

function rowHeading(text) {
  const made = document.createElement("th");
  made.scope = "row";
  made.append(text);
  return made;
}

// A button that shows further rows; `more` shows them.
function moreButton(text, more) {
  const button = cell("button", text, "plain more");
  button.type = "button";
  button.addEventListener("click", more);
  return button;
}

// A box with a word beside it that gives one customer a coupon.
function customerBox(game, customer, refresh) {
  const label = document.createElement("label");
  label.className = "customer";
  const box = label.appendChild(document.createElement("input"));
  box.type = "checkbox";
  box.checked = game.picked.has(customer);
  box.dataset.customer = customer;
  label.append(` No. ${customer + 1}`);
  box.addEventListener("change", () => {
    const said = togglePick(game, customer, box.checked);
    box.checked = game.picked.has(customer);
    refresh(said);
  });
  return label;
}

// The first `shown` customers of a segment as a table of boxes, and a button for more.
function showCustomers(game, card, shown, refresh) {
  const segment = Number(card.dataset.segment);
  const members = membersInOrder(game, segment);
  const facts = Object.keys(FACTS).filter((name) => game.own[name]);
  const headings = [capital(GIFT), ...facts.map((name) => FACTS[name].heading(game.data.recent_days))];
  const rows = members.slice(0, shown).map((customer) => [
    customerBox(game, customer, refresh),
    ...facts.map((name) => FACTS[name].show(game.own[name][customer])),
  ]);
  const place = card.querySelector("[data-rows]");
  place.replaceChildren(tableOf(`Customers of ${game.data.segments[segment]}`, headings, rows));
  if (shown < members.length) {
    place.append(
      moreButton(`Show ${Math.min(SHOWN_AT_ONCE, members.length - shown)} more`, () => {
        showCustomers(game, card, shown + SHOWN_AT_ONCE, refresh);
        place.querySelectorAll("input")[shown].focus();
      }),
    );
  }
}

// Brings the cards, boxes and the bar into line with the picks, and says `said`.
function refreshPicks(game, said = "") {
  for (const card of document.querySelectorAll(".card")) {
    const segment = Number(card.dataset.segment);
    const own = pickedIn(game, segment);
    card.querySelector("[data-count]").value = own;
    card.classList.toggle("chosen", own > 0);
    card.querySelector("[data-size]").textContent = game.members[segment].length.toLocaleString("en-US");
    for (const box of card.querySelectorAll("[data-customer]")) box.checked = game.picked.has(Number(box.dataset.customer));
  }
  const left = couponsLeft(game);
  document.getElementById("left").textContent = left;
  document.getElementById("meter").style.width = `${(100 * left) / game.data.coupons}%`;
  document.getElementById("said").textContent = said;
}

// The lists that are open, drawn anew: for another draw, or another order.
function redrawLists(game, refresh) {
  for (const card of document.querySelectorAll(".card")) {
    card.querySelector("[data-rows]").replaceChildren();
    if (card.querySelector("[data-list]").open) showCustomers(game, card, SHOWN_AT_ONCE, refresh);
  }
}

// Binds the cards' controls once; `current` gives the game of the moment.
function bindCards(current, refresh) {
  const order = document.getElementById("order");
  for (const [name, fact] of Object.entries(FACTS)) {
    if (name in current().own) order.append(new Option(fact.largest(current().data.recent_days), name));
  }
  order.addEventListener("change", () => {
    current().order = order.value;
    redrawLists(current(), refresh);
  });
  for (const card of document.querySelectorAll(".card")) {
    const segment = Number(card.dataset.segment);
    const input = card.querySelector("[data-count]");
    input.addEventListener("change", () => refresh(setCount(current(), segment, Number(input.value))));
    for (const button of card.querySelectorAll("[data-step]")) {
      const step = button.dataset.step === "all" ? Infinity : Number(button.dataset.step);
      button.addEventListener("click", () => refresh(setCount(current(), segment, pickedIn(current(), segment) + step)));
    }
    card.querySelector("[data-list]").addEventListener("toggle", () => redrawList(current(), card, refresh));
  }
}

function redrawList(game, card, refresh) {
  if (card.querySelector("[data-list]").open && !card.querySelector("[data-rows]").hasChildNodes()) {
    showCustomers(game, card, SHOWN_AT_ONCE, refresh);
  }
}
