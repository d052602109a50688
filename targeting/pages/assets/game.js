// The game: a draw by the number in the address, picks, the campaign, and again.

function readData() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const columns = {};
  for (const [name, packed] of Object.entries(data.columns)) columns[name] = unpack(packed);
  return { ...data, columns };
}

// A draw's own columns, customer by customer in the order of the lot.
function newGame(data, draw, campaigns, order) {
  const rows = drawnRows(draw, data.columns.household.length, data.drawn);
  const own = {};
  for (const [name, values] of Object.entries(data.columns)) own[name] = rows.map((row) => values[row]);
  own.group = households(own.household);
  const members = data.segments.map((_, segment) => rows.map((_, i) => i).filter((i) => own.segment[i] === segment));
  return { data, draw, campaigns, order, rows, own, members, picked: new Set() };
}

function play(data) {
  addOwnFacts(data.own_facts);
  const given = readAddress(location.hash);
  let game = newGame(data, given.draw === null ? 1 : given.draw, 0, "lot");
  const refresh = (said) => refreshPicks(game, said);

  const pickAgain = () => {
    document.getElementById("result").hidden = true;
    document.getElementById("picking").hidden = false;
    refresh("");
  };
  const begin = () => {
    document.querySelector("[data-draw]").textContent = game.draw;
    pickAgain();
    redrawLists(game, refresh);
  };
  // The address says which draw it is, so that whoever opens it gets the same customers; another part after # changes no game.
  const follow = () => {
    const asked = readAddress(location.hash);
    if (asked.draw === null) history.replaceState(null, "", writeAddress(game.draw, data.pool));
    else if (asked.draw !== game.draw) {
      game = newGame(data, asked.draw, game.campaigns, game.order);
      begin();
    }
    document.getElementById("elsewhere").hidden = !asked.pool || asked.pool === data.pool;
  };

  bindCards(() => game, refresh);
  window.addEventListener("hashchange", follow);
  document.getElementById("run").addEventListener("click", () => {
    game.campaigns += 1;
    showResult(game);
  });
  document.getElementById("same-draw").addEventListener("click", () => {
    pickAgain();
    document.getElementById("picking-title").focus();
  });
  document.getElementById("new-draw").addEventListener("click", () => {
    location.hash = writeAddress(1 + (crypto.getRandomValues(new Uint32Array(1))[0] % 999999), data.pool);
    document.getElementById("picking-title").focus();
  });
  document.getElementById("copy").addEventListener("click", copyLine);
  begin();
  follow();
  return () => game;
}

const currentGame = play(readData());
