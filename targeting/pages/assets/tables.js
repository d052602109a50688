// On a narrow screen a table's rows stand below one another, each number after its column's words (see base.css).
for (const table of document.querySelectorAll(".scroll table")) {
  const words = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr")) {
    let column = 0;
    for (const cell of row.cells) {
      if (column > 0) cell.dataset.label = words[column] ?? "";
      column += cell.colSpan;
    }
  }
}
