// A state of the graph: where it stands, how it is marked, what it is called.
import { SQUARE_SIDE, distanceOf } from "./arrows.js";
import { colourOfValue, inkOn, rgbText } from "./colours.js";
import { outlined, percentText, setAttributes, svgElement, svgText } from "./drawing.js";
import { textWidth, tokenLook, valueText } from "./drawing.js";
import { windowOf } from "./table.js";

// Middles of neighbours, in diameters: of few states, and at least.
const NEIGHBOURS_WIDE = 2.6;
const NEIGHBOURS_CLOSE = 1.7;
const LARGEST_RADIUS = 38;
// A loop's curve reaches so far from the middle of its state, in radii.
const LOOP_REACH = 2.25;
const LEAST_LETTERS = 8;
// Of which a legend has samples: those that have a colour and dashes of their own.
const MOST_TOKENS_SHOWN = 24;
// Diameter of the inner one of two rims, in diameters.
const INNER_RIM = 0.84;

export function windowText(table, state, shown) {
  return windowOf(table, state)
    .map((token) => shown[token])
    .join("");
}

// States on a circle from the top, clockwise, one apart: where no places are given.
export function circlePlaces(count) {
  const around = count < 2 ? 0 : 1 / (2 * Math.sin(Math.PI / count));
  return Array.from({ length: count }, (_, state) => {
    const angle = Math.PI / 2 - (2 * Math.PI * state) / count;
    return [around * Math.cos(angle), around * Math.sin(angle)];
  });
}

function nearestOf(places) {
  let nearest = Infinity;
  places.forEach((one, index) => {
    for (let other = 0; other < index; other += 1) nearest = Math.min(nearest, distanceOf(one, places[other]));
  });
  return Number.isFinite(nearest) ? nearest : 1;
}

// The nodes within a width and a height in pixels; `places` have y upward and any unit. What a state is called stands
// in its node, outside where it would be too small there, and nowhere where neighbours are too close for that.
export function nodesAt(places, texts, width, height) {
  const inside = nodesWithMargin(places, width, height, 22);
  const longest = Math.max(...texts.map((text) => textWidth(text, 10)));
  const letters = Math.min(17, 0.85 * inside.radius, (16 * inside.radius) / longest);
  if (letters >= LEAST_LETTERS) return { ...inside, letters, labels: "inside" };
  const outside = nodesWithMargin(places, width, height, longest + 8);
  if (outside.spacing >= 11) return { ...outside, letters: 10, labels: "outside" };
  return { ...inside, letters: 10, labels: "none" };
}

function nodesWithMargin(places, width, height, margin) {
  const [across, up] = [places.map(([x]) => x), places.map(([, y]) => y)];
  const [left, right] = [Math.min(...across), Math.max(...across)];
  const [bottom, top] = [Math.min(...up), Math.max(...up)];
  const nearest = nearestOf(places);
  const apart = Math.max(NEIGHBOURS_CLOSE, NEIGHBOURS_WIDE - 0.04 * Math.max(places.length - 8, 0));
  // A radius, in the unit of the places.
  const unit = nearest / apart / 2;
  const scale = Math.min(
    LARGEST_RADIUS / unit,
    (width - 2 * margin) / (right - left + 2 * LOOP_REACH * unit),
    (height - 2 * margin) / (top - bottom + 2 * LOOP_REACH * unit),
  );
  const radius = scale * unit;
  const border = LOOP_REACH * radius + margin;
  const used = scale * (top - bottom) + 2 * border;
  const middle = [(left + right) / 2, (bottom + top) / 2];
  const nodes = places.map(([x, y]) => ({
    place: [width / 2 + scale * (x - middle[0]), used / 2 - scale * (y - middle[1])],
    // Outward, clockwise from the right; upward from the very middle.
    angle: x === middle[0] && y === middle[1] ? -Math.PI / 2 : Math.atan2(middle[1] - y, x - middle[0]),
    radius,
    square: false,
  }));
  return { nodes, radius, height: used, spacing: scale * nearest };
}

// The shape of a state: a circle, or a square where it is never left.
export function nodeShape(node, part, attributes) {
  const [x, y] = node.place;
  const reach = part * node.radius;
  if (!node.square) return svgElement("circle", { cx: x, cy: y, r: reach, ...attributes });
  const half = reach * SQUARE_SIDE;
  return svgElement("rect", {
    x: x - half,
    y: y - half,
    width: 2 * half,
    height: 2 * half,
    rx: Math.min(3, half / 4),
    ...attributes,
  });
}

// What is drawn of one state, its text left out. `marks` = {red, start, cycle, colour: [r, g, b] or null}.
export function nodeParts(node, marks, hatches, theme) {
  const rim = { fill: "none", stroke: marks.red ? theme.red : theme.ink, "stroke-width": marks.start ? 3.5 : 1.3 };
  const ground = marks.colour ? rgbText(marks.colour) : marks.impossible ? theme.ground : theme.node;
  const parts = [nodeShape(node, 1, { fill: ground })];
  if (marks.cycle) {
    const ink = marks.colour ? inkOn(marks.colour) : theme.ink;
    parts.push(nodeShape(node, 1, { fill: `url(#${hatches.get(ink)})` }));
  }
  parts.push(nodeShape(node, 1, marks.impossible ? { ...rim, "stroke-dasharray": "3 2" } : rim));
  if (marks.red) parts.push(nodeShape(node, INNER_RIM, { ...rim, "stroke-width": 1.3 }));
  return parts;
}

// Where a label outside begins, from the middle of its state.
function outsideStart(node, loop) {
  return (loop ? LOOP_REACH : 1.3) * node.radius + 2;
}

// What the labels of arrows must keep off: states, and what they are called where that stands outside.
export function blockedPlaces(layout, texts, marks) {
  if (layout.labels !== "outside") return layout.nodes;
  const blocked = [...layout.nodes];
  layout.nodes.forEach((node, state) => {
    const first = outsideStart(node, marks[state].loop);
    const last = first + textWidth(texts[state], layout.letters);
    for (let far = first; far <= last; far += layout.letters / 2) {
      const [x, y] = [node.place[0] + far * Math.cos(node.angle), node.place[1] + far * Math.sin(node.angle)];
      blocked.push({ place: [x, y], radius: layout.letters * 0.6 });
    }
  });
  return blocked;
}

export function nodeLabel(node, text, layout, marks, theme) {
  if (layout.labels === "inside") {
    const ground = marks.colour ? rgbText(marks.colour) : theme.node;
    const ink = marks.colour ? inkOn(marks.colour) : theme.ink;
    return svgText(text, ...node.place, layout.letters, {
      fill: ink,
      "text-anchor": "middle",
      dy: "0.35em",
      ...(marks.cycle ? outlined(ground, 4) : {}),
    });
  }
  // Outside: along the radius, and never upside down.
  const far = outsideStart(node, marks.loop);
  const degrees = (node.angle * 180) / Math.PI;
  const turned = Math.abs(degrees) > 90;
  const label = svgText(text, turned ? -far : far, 0, layout.letters, {
    fill: theme.ink,
    dy: "0.35em",
    "text-anchor": turned ? "end" : "start",
    transform: `translate(${node.place.join(" ")}) rotate(${turned ? degrees + 180 : degrees})`,
  });
  setAttributes(label, { visibility: layout.labels === "none" ? "hidden" : "visible" });
  return label;
}

// The samples of a legend: only the marks that occur.
export function markEntries(view, hatches, theme) {
  const occurs = (mask) => mask && mask.some((one) => one);
  const sample = (marks, square = false) =>
    svgElement("g", {}, nodeParts({ place: [11, 7], radius: 8, square }, { colour: null, ...marks }, hatches, theme));
  const entries = [{ sample: sample({ start: true }), text: "start" }];
  if (occurs(view.red)) entries.push({ sample: sample({ red: true }), text: "red" });
  if (occurs(view.cycle)) entries.push({ sample: sample({ cycle: true }), text: "on a cycle of temperature zero" });
  if (occurs(view.absorbing)) entries.push({ sample: sample({}, true), text: "never left" });
  if (view.value && view.log && occurs(view.value.map((value) => value === 0))) {
    entries.push({ sample: sample({ impossible: true }), text: "impossible" });
  }
  if (view.trail && view.trail.length) {
    entries.push({ sample: walkerMark([11, 7], 6, theme), text: "the walk is here" });
  }
  return entries;
}

// A sample of each token's arrows, where these have no labels.
export function tokenEntries(shown, dark) {
  return shown.slice(0, MOST_TOKENS_SHOWN).map((text, token) => {
    const { colour, dashes } = tokenLook(token, dark);
    const dash = dashes.map((length) => 2 * length).join(" ");
    const sample = svgElement("path", { d: "M0 7H22", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash });
    return { sample, text };
  });
}

// The pawn of the walk.
export function walkerMark([x, y], size, theme) {
  return svgElement("circle", { cx: x, cy: y, r: size, fill: theme.walk, stroke: theme.ink, "stroke-width": 1.5 });
}

export function marksOf(state, view, scale, table) {
  const value = view.value ? view.value[state] : NaN;
  const repeated = (table.n - 1) / (table.V - 1 || 1);
  return {
    red: Boolean(view.red[state]),
    start: state === view.start,
    cycle: Boolean(view.cycle && view.cycle[state]),
    absorbing: Boolean(view.absorbing && view.absorbing[state]),
    colour: view.value ? colourOfValue(scale, value) : null,
    impossible: Boolean(view.value && view.log && value === 0),
    // Windows of one token repeated are the multiples of 1 + V + .. + V^(L-1).
    loop: state % repeated === 0,
  };
}

// What a state is, in words: for tooltips and screen readers.
export function stateInWords(state, view, table, marks) {
  const text = windowText(table, state, view.shown);
  const said = [`state ${text}`];
  if (view.value) said.push(`${view.valueName} ${valueText(view.value[state])}`);
  if (marks.start) said.push("start");
  if (marks.red) said.push("red");
  if (marks.cycle) said.push("on a cycle of temperature zero");
  if (marks.absorbing) said.push("never left");
  return `${said.join(", ")}. Next: ${likelyTokens(state, view, table).join(", ")}`;
}

function likelyTokens(state, view, table, most = 4) {
  const tokens = [];
  for (let token = 0; token < table.V; token += 1) if (view.kept[state * table.V + token]) tokens.push(token);
  const probability = (token) => view.probs[state * table.V + token];
  tokens.sort((one, other) => probability(other) - probability(one));
  const said = tokens.slice(0, most).map((token) => `${view.shown[token]} ${percentText(probability(token), true)}`);
  return tokens.length > most ? [...said, `and ${tokens.length - most} more`] : said;
}
