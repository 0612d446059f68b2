// The pieces of the inside view: tables of coloured cells that are read one by one, bars, legends, and how numbers are
// written. Nothing here knows of models; texts are inserted as text, never as HTML.

// Signed numbers run from blue over neutral to orange, which colour-blind readers tell apart; shares from neutral to
// green. Neutral is near the background, so that what is near zero recedes.
const LIGHT_COLOURS = { negative: [0, 90, 160], neutral: [240, 240, 238], positive: [196, 84, 0], share: [0, 100, 75] };
const DARK_COLOURS = {
  negative: [95, 180, 240],
  neutral: [48, 52, 59],
  positive: [245, 160, 60],
  share: [90, 220, 175],
};

export function insideColours(dark) {
  return dark ? DARK_COLOURS : LIGHT_COLOURS;
}

// An element with a class and a text.
export function makeNode(tag, className = "", text = "") {
  const node = document.createElement(tag);
  node.className = className;
  if (text) {
    node.textContent = text;
  }
  return node;
}

// --- cells ---

// A table whose cells are read one by one.
export function makeGrid(className, label) {
  const table = makeNode("table", className);
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", label);
  return table;
}

// A cell that is only colour; its words are read out.
export function makeCell(colour, words) {
  const cell = makeNode("td", "inside-cell");
  cell.setAttribute("role", "gridcell");
  cell.setAttribute("aria-label", words);
  cell.tabIndex = -1;
  cell.style.backgroundColor = colour;
  return cell;
}

// Tab enters each table at its first cell; the arrow keys move within it. The words of the cell that is pointed at or
// focused are written into one element.
export function makeReadable(root, words) {
  for (const table of gridsIn(root)) {
    table.querySelector(".inside-cell").tabIndex = 0;
  }
  const readCell = (event) => {
    const cell = event.target.closest(".inside-cell");
    if (cell) {
      words.textContent = cell.getAttribute("aria-label");
    }
  };
  root.addEventListener("pointerover", readCell);
  root.addEventListener("focusin", readCell);
  root.addEventListener("keydown", moveFocus);
}

function moveFocus(event) {
  const cell = event.target.closest(".inside-cell");
  const next = cell && neighbourOf(cell, event.key);
  if (next) {
    event.preventDefault(); // the page does not scroll
    enterAt(next);
  }
}

// The cell beside this one in the direction of a key; undefined at the edge and for other keys.
function neighbourOf(cell, key) {
  const rows = cellsOf(cell.closest("table"));
  const { i, j } = placeOf(cell, rows);
  switch (key) {
    case "ArrowLeft":
      return rows[i][j - 1];
    case "ArrowRight":
      return rows[i][j + 1];
    case "ArrowUp":
      return rows[i - 1]?.[j];
    case "ArrowDown":
      return rows[i + 1]?.[j];
    case "Home":
      return rows[i][0];
    case "End":
      return rows[i].at(-1);
    default:
      return undefined;
  }
}

// Focus a cell, which becomes the one of its table that Tab enters.
function enterAt(cell) {
  cell.closest("table").querySelector('.inside-cell[tabindex="0"]').tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
}

// Where a reader is: the focused cell as table, row and column, and whether details are unfolded. A redraw (the walk
// takes a step) puts the reader back there.
export function rememberReader(parent) {
  const unfolded = parent.querySelector("details")?.open ?? false;
  const cell = document.activeElement?.closest(".inside-cell");
  if (!cell || !parent.contains(cell)) {
    return { unfolded, place: null };
  }
  const table = cell.closest("table");
  return { unfolded, place: { table: gridsIn(parent).indexOf(table), ...placeOf(cell, cellsOf(table)) } };
}

export function restoreReader(parent, { unfolded, place }) {
  const details = parent.querySelector("details");
  if (details) {
    details.open = unfolded;
  }
  const table = place && gridsIn(parent)[place.table];
  const cell = table && cellsOf(table)[place.i]?.[place.j];
  if (cell) {
    enterAt(cell);
  }
}

function gridsIn(parent) {
  return [...parent.querySelectorAll("table[role=grid]")];
}

// The cells of a table by row, heads left out.
function cellsOf(table) {
  const rows = [...table.rows].map((row) => [...row.querySelectorAll(".inside-cell")]);
  return rows.filter((row) => row.length);
}

function placeOf(cell, rows) {
  const i = rows.findIndex((row) => row.includes(cell));
  return { i, j: rows[i].indexOf(cell) };
}

// --- bars and legends ---

export function shareBar(colours, share) {
  const track = makeNode("span", "inside-bar");
  const fill = makeNode("span");
  fill.style.width = `${100 * share}%`;
  fill.style.backgroundColor = shareColour(colours, 1);
  track.append(fill);
  return track;
}

// A bar from the middle: to the left below zero, to the right above.
export function signedBar(colours, value, largest) {
  const track = makeNode("span", "inside-bar inside-signed");
  const fill = makeNode("span");
  const length = (50 * Math.abs(value)) / largest;
  fill.style.width = `${length}%`;
  fill.style.marginLeft = `${value < 0 ? 50 - length : 50}%`;
  fill.style.backgroundColor = signedColour(colours, Math.sign(value), 1);
  track.append(fill);
  return track;
}

export function signedLegend(colours, largest, what) {
  const ramp = [-1, -0.5, 0, 0.5, 1].map((value) => signedColour(colours, value, 1));
  return makeLegend(numberText(-largest), ramp, `${numberText(largest)} ${what}`);
}

export function shareLegend(colours, what) {
  const ramp = [0, 0.25, 0.5, 0.75, 1].map((share) => shareColour(colours, share));
  return makeLegend("0%", ramp, `100% ${what}`);
}

function makeLegend(from, colours, to) {
  const legend = makeNode("p", "inside-legend");
  const ramp = makeNode("span", "inside-ramp");
  ramp.style.backgroundImage = `linear-gradient(to right, ${colours.join(", ")})`;
  legend.append(makeNode("span", "", from), ramp, makeNode("span", "", to));
  return legend;
}

// --- colours and numbers ---

export function signedColour(colours, value, largest) {
  return mixedColour(colours.neutral, value < 0 ? colours.negative : colours.positive, Math.abs(value) / largest);
}

export function shareColour(colours, share) {
  return mixedColour(colours.neutral, colours.share, share);
}

function mixedColour(from, to, share) {
  const parts = from.map((part, i) => Math.round(part + share * (to[i] - part)));
  return `rgb(${parts.join(" ")})`;
}

// The largest size of a number in the rows: the end of their colour scale. 1 where all are zero, which any end suits.
export function largestOf(rows) {
  return Math.max(...rows.map((row) => Math.max(...row.map(Math.abs)))) || 1;
}

// Three digits (of large numbers all before the point), and a true minus sign.
export function numberText(value) {
  const digits = Math.abs(value) < 999.5 ? value.toPrecision(3) : value.toFixed(0);
  return value === 0 ? "0" : digits.replaceAll("-", "−");
}

// Two decimals of what is rare or nearly sure, one otherwise; "<0.01%" and ">99.99%" where they would say 0 or 100, for
// 0% is left to the impossible and 100% to the sure.
export function shareText(share) {
  const percent = 100 * share;
  if (share === 0 || share === 1) {
    return `${percent}%`;
  }
  if (percent < 0.01) {
    return "<0.01%";
  }
  if (percent > 99.99) {
    return ">99.99%";
  }
  return `${percent.toFixed(percent < 1 || percent >= 99 ? 2 : 1)}%`;
}
