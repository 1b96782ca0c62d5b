"use strict";
// The table of files: rows are sorted and filtered as numbers and text; only a screenful of them stands in the document.
(() => {
  const data = JSON.parse(document.getElementById("table").textContent);
  const element = (id) => document.getElementById(id);
  const [NAME, LINK, OUTCOME, WHY, DURATION, SECONDS, BEFORE, AFTER, HEARD, SILENT] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const sound = new Audio();
  let heard = null;
  const body = document.querySelector("#files tbody"), head = document.querySelector("#files thead tr");
  const words = data.rows.map((row) => (row[NAME] + "\n" + row[WHY]).toLowerCase());
  let side = "after", sorted = null, rising = true, page = 0, order = data.rows.map((_, index) => index);

  const round = (value, decimals) => (value === null ? "–" : value.toFixed(decimals).replace("-", "−"));
  function figure(row, metric) {
    const [before, after] = [row[BEFORE][metric], row[AFTER][metric]];
    if (side === "change") return before === null || after === null ? null : after - before;
    return side === "before" ? before : after;
  }
  const columns = [
    { label: "File", value: (row) => row[NAME], text: true },
    { label: "Outcome", value: (row) => row[OUTCOME], text: true },
    { label: "Why and notes", value: (row) => row[WHY], text: true, long: true },
    { label: "Length, s", value: (row) => row[DURATION], decimals: 1 },
    { label: "Took, s", value: (row) => row[SECONDS], decimals: 1 },
    ...data.metrics.map((metric, index) => ({
      label: metric.label + ", " + metric.unit, value: (row) => figure(row, index), decimals: 2, metric: index,
    })),
  ];
  const tone = { failed: "bad", quarantined: "bad", escalated: "warn", pending: "warn", done: "good", "already done": "good" };

  function hear(row, [stem, file], which) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "hear";
    const show = () => { button.textContent = (heard === file && !sound.paused ? "❚❚" : "▶") + which; };
    button.setAttribute("aria-label", "Play or pause " + row[NAME] + (which && ", " + stem));
    button.title = which && stem;
    button.addEventListener("click", () => {
      if (heard === file && !sound.paused) { sound.pause(); return; }
      if (heard !== file) { sound.pause(); sound.src = file; heard = file; }
      sound.play().catch(() => { button.textContent = "–"; button.title = "This browser cannot play it from here."; });
    });
    for (const event of ["play", "pause", "ended"]) sound.addEventListener(event, show);
    show();
    return button;
  }

  function cell(row, column) {
    const made = document.createElement(column === columns[0] ? "th" : "td");
    const value = column.value(row);
    if (column === columns[0]) {
      made.scope = "row";
      const name = row[LINK] ? document.createElement("a") : document.createElement("span");
      if (row[LINK]) name.href = row[LINK];
      name.textContent = value;
      for (const [index, each] of row[HEARD].entries()) made.append(hear(row, each, row[HEARD].length > 1 ? ` ${index + 1}` : ""));
      made.append(name);
    } else if (column.label === "Outcome") {
      const tag = document.createElement("span");
      tag.className = "tag " + (tone[value] || "");
      tag.textContent = value;
      made.append(tag);
    } else {
      made.textContent = column.text ? value : round(value, column.decimals);
      if (row[SILENT].includes(column.metric) && value !== null) {
        made.textContent = `(${made.textContent})`;
        made.title = "says nothing without speech";
      }
      if (!column.text) made.className = "figure";
      if (column.long) made.className = "why";
    }
    return made;
  }

  function draw() {
    const first = page * data.page_rows, last = Math.min(first + data.page_rows, order.length);
    body.replaceChildren(...order.slice(first, last).map((index) => {
      const line = document.createElement("tr");
      line.append(...columns.map((column) => cell(data.rows[index], column)));
      return line;
    }));
    const count = (value) => value.toLocaleString("en");
    element("shown").textContent = order.length
      ? `${count(first + 1)} to ${count(last)} of ${count(order.length)} files` : "No file matches.";
    element("back").disabled = page === 0;
    element("next").disabled = last >= order.length;
  }

  function arrange() {
    const text = element("text").value.trim().toLowerCase(), outcome = element("outcome").value;
    order = data.rows.map((_, index) => index)
      .filter((index) => (!text || words[index].includes(text)) && (!outcome || data.rows[index][OUTCOME] === outcome));
    if (sorted !== null) {
      const { value, text: isText, metric } = columns[sorted], sign = rising ? 1 : -1;
      const keys = data.rows.map((row) => (row[SILENT].includes(metric) ? null : value(row)));
      const compare = isText ? new Intl.Collator("en", { numeric: true }).compare : (a, b) => a - b;
      order.sort((a, b) => {
        const [left, right] = [keys[a], keys[b]];
        if (left === null || right === null) return (left === null) - (right === null);  // what was not measured, or says nothing, comes last
        return sign * compare(left, right);
      });
    }
    page = 0;
    draw();
  }

  columns.forEach((column, index) => {
    const made = document.createElement("th"), button = document.createElement("button");
    made.scope = "col";
    if (!column.text) made.className = "figure";
    button.type = "button";
    button.textContent = column.label;
    button.addEventListener("click", () => {
      rising = sorted === index ? !rising : true;
      sorted = index;
      for (const other of head.children) other.removeAttribute("aria-sort");
      made.setAttribute("aria-sort", rising ? "ascending" : "descending");
      arrange();
    });
    made.append(button);
    head.append(made);
  });
  element("text").addEventListener("input", arrange);
  element("outcome").addEventListener("change", arrange);
  element("side").addEventListener("change", () => { side = element("side").value; arrange(); });
  element("filters").addEventListener("submit", (event) => event.preventDefault());
  element("back").addEventListener("click", () => { page -= 1; draw(); });
  element("next").addEventListener("click", () => { page += 1; draw(); });
  arrange();
})();
