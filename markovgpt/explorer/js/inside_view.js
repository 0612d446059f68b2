// Draws what happens inside the model for one window: what goes in, each layer's attention and what the model would say
// if it ended there, and what comes out. Tables of cells and bars; every cell says its number in words when it is
// pointed at or focused.

import { softmaxOf } from "./inside.js";
import { insideColours, makeCell, makeGrid, makeNode, makeReadable } from "./inside_cells.js";
import { rememberReader, restoreReader } from "./inside_cells.js";
import { shareBar, shareColour, shareLegend, shareText } from "./inside_cells.js";
import { largestOf, numberText, signedBar, signedColour, signedLegend } from "./inside_cells.js";

const MOST_SAID = 5; // tokens shown of what a layer would say
const MOST_OUT = 12; // tokens shown of what comes out, before "further tokens"
const HINT = "Point at a cell, or enter a picture with Tab and move with the arrow keys, to read its number.";

// Redraws the inside of a model.
//   parent   the element to draw into; what it held goes
//   model    of the page's content: its `shown` token strings and `weights.config`
//   pass     what forwardPass found for the window
export function drawInside(parent, model, pass, { dark = false } = {}) {
  const view = { config: model.weights.config, shown: model.shown, pass, colours: insideColours(dark) };
  const before = rememberReader(parent);
  const root = makeNode("div", "inside");
  const words = makeNode("p", "inside-words", HINT);
  words.setAttribute("aria-live", "polite");
  root.append(drawInput(view), drawLayers(view), drawOutput(view), words);
  makeReadable(root, words);
  parent.replaceChildren(root);
  restoreReader(parent, before);
}

// --- what goes in ---

function drawInput(view) {
  const { pass, config, colours } = view;
  const section = makeSection(
    "What goes in",
    `The window holds ${countText(pass.tokens.length, "token")}, the newest on the right. Each token is looked up as ` +
      `a vector of ${countText(config.n_embd, "number")}, and so is its position. Layer 1 reads the sum of the two.`,
  );
  const largest = largestOf([...pass.tokenEmbedding, ...pass.positionEmbedding]);
  const table = makeGrid("inside-vectors", "Vectors of the tokens and of their positions");
  table.style.setProperty("--row-height", `${clamp(144 / config.n_embd, 2, 8)}px`);
  table.style.setProperty("--columns", pass.tokens.length);
  const heads = tokenHeads(view);
  heads.append(positionHeads(pass.tokens.length));
  table.append(
    heads,
    vectorRows(view, "token", pass.tokenEmbedding, largest, (position) => `the token ${nameAt(view, position)}`),
    vectorRows(view, "+ position", pass.positionEmbedding, largest, (position) => `position ${position + 1}`),
  );
  section.append(table, signedLegend(colours, largest, "numbers of a vector"));
  return section;
}

// The numbers of the positions, below the tokens.
function positionHeads(positions) {
  const row = makeNode("tr", "inside-positions");
  row.append(makeNode("td"));
  for (let position = 1; position <= positions; position++) {
    const head = makeNode("th", "", String(position));
    head.scope = "col";
    row.append(head);
  }
  return row;
}

// One vector below each token: a row for each of its numbers.
function vectorRows(view, title, vectors, largest, nameOf) {
  const body = makeNode("tbody");
  const size = vectors[0].length;
  for (let c = 0; c < size; c++) {
    const row = makeNode("tr");
    if (c === 0) {
      row.append(sideHead(title, size));
    }
    vectors.forEach((vector, position) => {
      const words = `Number ${c + 1} of ${size} of the vector for ${nameOf(position)}: ${numberText(vector[c])}.`;
      row.append(makeCell(signedColour(view.colours, vector[c], largest), words));
    });
    body.append(row);
  }
  return body;
}

function sideHead(title, rows) {
  const head = makeNode("th", "inside-side", title);
  head.scope = "rowgroup";
  head.rowSpan = rows;
  return head;
}

// --- the layers ---

function drawLayers(view) {
  const { pass, config, colours } = view;
  const section = makeSection(
    "What the layers do",
    `In each layer's ${countText(config.n_head, "attention head")} every token looks back over the window: a row is ` +
      "the token that looks, a column the token that it takes from, and a row adds up to 100%. The bars are what " +
      "the model would say if it ended there: its output matrix applied to the newest token's vector, which is the " +
      "strip below them.",
  );
  const largest = largestOf([pass.embedding, ...pass.layers].map(newestVector));
  const start = makeLayerBox("Before layer 1");
  const note = makeNode("div", "inside-heads");
  note.append(
    makeNode("p", "inside-note", "No token has looked back yet: the newest one knows only itself and its position."),
  );
  start.append(note, drawSoFar(view, "Before layer 1", pass.embedding, largest));
  section.append(
    shareLegend(colours, "of a token's attention"),
    signedLegend(colours, largest, "numbers of the newest token's vector"),
    start,
    ...pass.layers.map((layer, index) => drawLayer(view, layer, index + 1, largest)),
  );
  return section;
}

function drawLayer(view, layer, number, largest) {
  const box = makeLayerBox(`Layer ${number} of ${view.pass.layers.length}`);
  const heads = makeNode("div", "inside-heads");
  layer.attention.forEach((shares, head) => heads.append(drawHead(view, shares, number, head + 1)));
  box.append(heads, drawSoFar(view, `After layer ${number}`, layer, largest));
  return box;
}

function makeLayerBox(title) {
  const box = makeNode("div", "inside-layer");
  box.append(makeNode("h4", "", title));
  return box;
}

// One head's attention as a triangle: row i is the token at position i, which looks at positions 0..i.
function drawHead(view, shares, layer, head) {
  const table = makeGrid("inside-head", `Attention of head ${head} in layer ${layer}`);
  table.style.setProperty("--cell", `${clamp(170 / shares.length, 12, 28)}px`);
  const body = makeNode("tbody");
  shares.forEach((row, i) => {
    const line = makeNode("tr");
    line.append(tokenHead(view, i, "row"));
    row.slice(0, i + 1).forEach((share, j) => {
      const taker = `Layer ${layer}, head ${head}: ${nameAt(view, i)}`;
      const giver = i === j ? "itself" : nameAt(view, j);
      const words = `${taker} gives ${shareText(share)} of its attention to ${giver}.`;
      line.append(makeCell(shareColour(view.colours, share), words));
    });
    body.append(line);
  });
  table.append(makeNode("caption", "", `head ${head}`), tokenHeads(view), body);
  return table;
}

// The likeliest tokens if the model ended here, and the newest token's vector, which they are read from.
function drawSoFar(view, when, { residual, logitLens }, largest) {
  const box = makeNode("div", "inside-so-far");
  const bars = makeNode("ol", "inside-bars");
  const probabilities = softmaxOf(logitLens);
  for (const token of highestFirst(probabilities).slice(0, MOST_SAID)) {
    const bar = makeNode("li");
    const number = makeNode("span", "inside-number", shareText(probabilities[token]));
    bar.append(tokenText(view, token), shareBar(view.colours, probabilities[token]), number);
    bars.append(bar);
  }
  const strip = drawStrip(view, when, newestVector({ residual }), largest);
  box.append(makeNode("h5", "", "If it ended here, the model would say"), bars, strip);
  return box;
}

function drawStrip(view, when, vector, largest) {
  const strip = makeGrid("inside-strip", `${when}, the newest token's vector`);
  const row = makeNode("tr");
  vector.forEach((value, c) => {
    const words = `${when}, number ${c + 1} of ${vector.length} of the newest token's vector: ${numberText(value)}.`;
    row.append(makeCell(signedColour(view.colours, value, largest), words));
  });
  strip.append(row);
  return strip;
}

// --- what comes out ---

function drawOutput(view) {
  const { logits, probabilities } = view.pass;
  const section = makeSection(
    "What comes out",
    "A logit for each token that may come next, and the probabilities that they make at temperature 1 with all " +
      "tokens kept. The sampling settings act after this.",
  );
  const order = highestFirst(logits);
  const shownFirst = order.length > MOST_OUT + 1 ? MOST_OUT : order.length; // one token more is not worth hiding
  const further = order.slice(shownFirst);
  section.append(outputTable(view, order.slice(0, shownFirst)));
  if (further.length) {
    const together = further.reduce((sum, token) => sum + probabilities[token], 0);
    const details = makeNode("details");
    const summary = makeNode("summary", "", `${further.length} further tokens, together ${shareText(together)}`);
    details.append(summary, outputTable(view, further));
    section.append(details);
  }
  return section;
}

function outputTable(view, tokens) {
  const table = makeNode("table", "inside-output");
  const titles = makeNode("tr");
  for (const title of ["token", "logit", "probability"]) {
    const head = makeNode("th", "", title);
    head.scope = "col";
    titles.append(head);
  }
  const heads = makeNode("thead");
  heads.append(titles);
  const body = makeNode("tbody");
  const largest = largestOf([view.pass.logits]);
  body.append(...tokens.map((token) => outputRow(view, token, largest)));
  table.append(heads, body);
  return table;
}

function outputRow({ pass, colours, shown }, token, largest) {
  const row = makeNode("tr");
  const head = makeNode("th");
  head.scope = "row";
  head.append(tokenText({ shown }, token));
  const logit = pass.logits[token];
  const probability = pass.probabilities[token];
  row.append(
    head,
    barAndNumber(signedBar(colours, logit, largest), numberText(logit)),
    barAndNumber(shareBar(colours, probability), shareText(probability)),
  );
  return row;
}

function barAndNumber(bar, text) {
  const cell = makeNode("td");
  const pair = makeNode("div", "inside-pair");
  pair.append(bar, makeNode("span", "inside-number", text));
  cell.append(pair);
  return cell;
}

// --- pieces ---

function makeSection(title, text) {
  const section = makeNode("section");
  section.append(makeNode("h3", "", title), makeNode("p", "", text));
  return section;
}

// The tokens of the window as column heads, beside an empty corner above the row heads.
function tokenHeads(view) {
  const row = makeNode("tr");
  row.append(makeNode("td"));
  view.pass.tokens.forEach((_, position) => row.append(tokenHead(view, position, "col")));
  const head = makeNode("thead");
  head.append(row);
  return head;
}

function tokenHead(view, position, scope) {
  const head = makeNode("th");
  head.scope = scope;
  head.append(tokenText(view, view.pass.tokens[position]));
  return head;
}

// A token as the vocabulary shows it; <bdi> keeps a right-to-left token from turning its neighbours round.
function tokenText({ shown }, token) {
  const text = makeNode("bdi", "inside-token", shown[token]);
  text.title = shown[token]; // whole, where there is no room
  return text;
}

function nameAt({ pass, shown }, position) {
  return `“${shown[pass.tokens[position]]}” at position ${position + 1}`;
}

// Tokens from the highest value to the lowest; of equal ones the lower id first.
function highestFirst(values) {
  return Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
}

function newestVector({ residual }) {
  return residual[residual.length - 1];
}

function countText(number, noun) {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

function clamp(value, least, most) {
  return Math.min(most, Math.max(least, Math.round(value)));
}
