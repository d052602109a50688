// Which customers a draw holds: its number alone decides, on every machine.

// `count` of the numbers 0 to size - 1, in the order in which they are drawn (Fisher and Yates).
function drawnRows(seed, size, count) {
  const next = randomNumbers(seed);
  const rows = Array.from({ length: size }, (_, row) => row);
  for (let place = 0; place < count; place += 1) {
    const other = place + (next() % (size - place));
    [rows[place], rows[other]] = [rows[other], rows[place]];
  }
  return rows.slice(0, count);
}

// The draw that an address's part after # names, and the pool of customers that it was made on (empty for any).
function readAddress(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const draw = /^\d{1,9}$/.test(given.get("draw") || "") ? Number(given.get("draw")) : null;
  return { draw, pool: given.get("pool") || "" };
}

function writeAddress(draw, pool) {
  return `#draw=${draw}&pool=${pool}`;
}
