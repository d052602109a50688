// Charts as strips: words in HTML, marks in SVG whose places are percentages, so that they fit every width.

const SVG = "http://www.w3.org/2000/svg";

function shape(parent, name, attributes) {
  const made = parent.appendChild(document.createElementNS(SVG, name));
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Marks only: what they say stands in words beside them.
function strip(height) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "strip");
  made.setAttribute("height", height);
  made.setAttribute("aria-hidden", "true");
  return made;
}

// Round steps of 1, 2 or 5 times a power of ten, `most` of them or fewer.
function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((candidate) => candidate >= rough);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i += 1) found.push(i * step);
  return found;
}

// Places values on a line as percentages, with room at both ends.
function scale(values) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const room = (high - low || 1) * 0.03;
  const place = (value) => `${((100 * (value - low + room)) / (high - low + 2 * room)).toFixed(3)}%`;
  return { low, high, place };
}

function axis(list, { low, high, place }, words) {
  const svg = strip(24);
  const wide = list.clientWidth > 600;
  for (const value of low < high ? ticks(low, high, wide ? 8 : 4) : [low]) {
    shape(svg, "line", { class: "tick", x1: place(value), x2: place(value), y1: 0, y2: 5 });
    shape(svg, "text", { x: place(value), y: 19, "text-anchor": "middle" }).textContent = words(value);
  }
  const item = list.appendChild(document.createElement("li"));
  item.setAttribute("aria-hidden", "true");
  item.appendChild(svg);
}

function stripItem(list, name, words, svg) {
  const item = list.appendChild(document.createElement("li"));
  const label = item.appendChild(document.createElement("p"));
  label.appendChild(cell("strong", name));
  label.append(`, ${words}`);
  item.appendChild(svg);
  return item;
}

// A mark that colour-blind eyes tell from others by its shape.
function mark(svg, kind, x, y) {
  const place = shape(svg, "svg", { x, y, overflow: "visible", class: `mark ${kind}` });
  if (kind === "own") shape(place, "rect", { x: -6, y: -6, width: 12, height: 12 });
  else if (kind === "truth") shape(place, "path", { d: "M0 -7L7 0L0 7L-7 0Z" });
  else shape(place, "circle", { r: 5.5 });
}

// The rows of a comparison: estimate, interval, and the truth where it is known.
function profitChart(place, rows) {
  const list = document.createElement("ul");
  list.className = "strips";
  place.replaceChildren(list);
  const truths = rows.filter((row) => row.truth !== null).map((row) => row.truth);
  const line = scale([...rows.flatMap((row) => [row.profit.lower, row.profit.upper]), ...truths]);
  for (const row of rows) {
    const svg = strip(22);
    shape(svg, "line", { class: "zero", x1: line.place(0), x2: line.place(0), y1: 0, y2: 22 });
    const attributes = { class: `interval ${row.kind}`, x1: line.place(row.profit.lower), x2: line.place(row.profit.upper) };
    shape(svg, "line", { ...attributes, y1: 11, y2: 11 });
    mark(svg, row.kind, line.place(row.profit.value), 11);
    if (row.truth !== null) mark(svg, "truth", line.place(row.truth), 11);
    stripItem(list, row.label, profitWords(row), svg).className = row.kind;
  }
  axis(list, line, (value) => money(value));
}

function profitWords(row) {
  const truth = row.truth === null ? "" : `; in truth ${money(row.truth)}`;
  if (row.coupons === 0) return `no ${GIFT}: ${money(0)}`;
  return `${count(row.coupons, GIFT)}: ${money(row.profit.value)} (${interval(row.profit)})${truth}`;
}

// Heights of dots that share a place: stacked upwards, closer where there are many.
function stackedDots(places, radius, tallest) {
  const stacks = new Map();
  const levels = places.map((place) => {
    const level = stacks.get(place) || 0;
    stacks.set(place, level + 1);
    return level;
  });
  const most = Math.max(...stacks.values());
  const step = Math.min(2 * radius, tallest / Math.max(1, most - 1));
  return { levels, step, height: Math.ceil((most - 1) * step + 2 * radius + 4) };
}

// Every pick's uplift as a dot, a strip a segment: full where it pays for its coupon, hollow where it doesn't.
function upliftChart(place, game) {
  const { own, data } = game;
  const picks = [...game.picked].sort((a, b) => a - b);
  const list = document.createElement("ul");
  list.className = "strips dots";
  place.replaceChildren(list);
  const ends = own.lower ? picks.flatMap((i) => [own.lower[i], own.upper[i]]) : picks.map((i) => own.uplift[i]);
  const line = scale(data.breakeven === null ? ends : [...ends, data.breakeven]);
  const bins = Math.max(20, Math.floor(list.clientWidth / 6));
  data.segments.forEach((name, segment) => {
    const members = picks.filter((i) => own.segment[i] === segment);
    if (members.length === 0) return;
    const kind = (i) => (own.promised[i] > 0 ? "pays" : "does-not");
    stripItem(list, name, upliftWords(members, own, data), dotStrip(members, own.uplift, line, bins, data.breakeven, kind, own));
  });
  axis(list, line, (value) => effectWords(value, data).replace(/\.00/, ""));
}

function upliftWords(members, own, data) {
  const pays = members.filter((i) => own.promised[i] > 0).length;
  const mean = members.reduce((sum, i) => sum + own.uplift[i], 0) / members.length;
  const each = effectWords(mean, data);
  return `${count(members.length, GIFT)}, ${each} each on average; ${pays} would pay for themselves`;
}

// A dot for each of `members` at its value, of the class that `kind` gives it; with the ends of its interval where `ends` has any.
function dotStrip(members, values, line, bins, pays, kind, ends = {}) {
  const radius = 3;
  const slots = members.map((i) => Math.round((bins * parseFloat(line.place(values[i]))) / 100));
  const { levels, step, height } = stackedDots(slots, radius, 90);
  const svg = strip(height);
  shape(svg, "line", { class: "zero", x1: line.place(0), x2: line.place(0), y1: 0, y2: height });
  if (pays !== null) shape(svg, "line", { class: "breakeven", x1: line.place(pays), x2: line.place(pays), y1: 0, y2: height });
  members.forEach((i, at) => {
    const y = height - radius - 2 - levels[at] * step;
    if (ends.lower) {
      const whisker = { x1: line.place(ends.lower[i]), x2: line.place(ends.upper[i]) };
      shape(svg, "line", { class: "whisker", ...whisker, y1: y, y2: y });
    }
    shape(svg, "circle", { class: `dot ${kind(i)}`, cx: `${((100 * slots[at]) / bins).toFixed(3)}%`, cy: y, r: radius });
  });
  return svg;
}
