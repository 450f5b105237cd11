"use strict";
(() => {
  const board = document.getElementById("board");
  const body = board.tBodies[0];
  const heads = [...board.tHead.rows[0].cells];
  const [find, access, language, count] = ["find", "access", "language", "count"].map((id) => document.getElementById(id));

  const value = (row, column, type) => {
    const text = row.cells[column].dataset.value;
    return text === "" ? null : type === "number" ? Number(text) : text;
  };

  const sort = (column, direction) => {
    const type = heads[column].dataset.type;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [value(a, column, type), value(b, column, type)];
      if (x === null || y === null) return (x === null) - (y === null); // what is missing stays below
      return (x > y ? 1 : x < y ? -1 : 0) * direction;
    });
    body.append(...rows);
    heads.forEach((head, number) => {
      if (number === column) head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
  };

  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const usual = head.dataset.type === "text" || column === 0 ? "ascending" : "descending";
      const other = usual === "ascending" ? "descending" : "ascending";
      sort(column, (head.getAttribute("aria-sort") === usual ? other : usual) === "ascending" ? 1 : -1);
    });
  });

  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const fits = words.every((word) => row.dataset.name.includes(word));
      row.hidden = !(fits && (access.value === "" || row.dataset.access === access.value));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${body.rows.length} models`;
    for (const cell of board.querySelectorAll(".en, .zh")) cell.hidden = !cell.classList.contains(language.value);
  };

  for (const control of [find, access, language]) control.addEventListener("input", filter);
  find.form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
