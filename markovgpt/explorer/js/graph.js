// The states as a graph: an arrow for each token that may follow, as wide as it is likely.
//
// Tab comes into the graph, the arrow keys go to the state that lies that way, Enter picks it. Lengths are pixels of
// the screen, so that letters can be read on a phone as on a projector; a new width is a new layout.
import { arrowPaths, wayPoints, wayText } from "./arrows.js";
import { INKS, hatching, pictureLegend, valueScale } from "./colours.js";
import { outlined, percentText, setAttributes, standAloneSvg, svgElement, svgText } from "./drawing.js";
import { textWidth, themeOf, tokenLook, watchWidth, widthOf } from "./drawing.js";
import { blockedPlaces, circlePlaces, markEntries, marksOf, nodeLabel, nodeParts } from "./graph_nodes.js";
import { nodeShape, nodesAt, stateInWords, tokenEntries, walkerMark, windowText } from "./graph_nodes.js";
import { GraphWays } from "./graph_ways.js";
import { placeLabels } from "./label_places.js";

// More arrows are a black disc: the likeliest are drawn, and those of the picked state.
const MOST_ARROWS = 1200;
const MOST_LABELLED_STATES = 32;
// Steps of the walk that are still seen.
const TRAIL_STEPS = 10;
const GRAPH_KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

// `places`, an option or with the table: [[x, y], ..] of the states, y upward; without it they stand on a circle.
export function makeGraph(parent, table, options) {
  return new GraphPicture(parent, table, options);
}

class GraphPicture {
  constructor(parent, table, { onPick, places } = {}) {
    this.table = table;
    this.onPick = onPick || (() => {});
    this.places = places || table.places || circlePlaces(table.n);
    this.view = null;
    this.hovered = null;
    this.focused = 0;
    this.buildElement(parent);
    this.unwatch = watchWidth(this.element, (width) => this.fitTo(width));
  }

  buildElement(parent) {
    this.element = document.createElement("div");
    this.element.className = "explorer-graph";
    const name = `State graph, ${this.table.n} states`;
    this.svg = svgElement("svg", { width: "100%", role: "listbox", "aria-label": name });
    this.layers = {};
    for (const layer of ["defs", "trail", "arrows", "nodes", "labels", "walker", "legend"]) {
      const passing = layer === "nodes" ? {} : { "pointer-events": "none" };
      this.layers[layer] = svgElement(layer === "defs" ? "defs" : "g", passing);
      this.svg.append(this.layers[layer]);
    }
    this.nodeGroups = Array.from({ length: this.table.n }, (_, state) => this.nodeGroup(state));
    this.layers.nodes.append(...this.nodeGroups);
    this.element.append(this.svg);
    parent.append(this.element);
  }

  nodeGroup(state) {
    const group = svgElement("g", { role: "option", tabindex: state === this.focused ? 0 : -1, cursor: "pointer" });
    // The rim of what is picked or focused is drawn here, in both themes and in any browser.
    group.style.outline = "none";
    group.addEventListener("click", () => this.onPick(state));
    group.addEventListener("pointerenter", () => this.highlight(state));
    group.addEventListener("pointerleave", () => this.highlight(null));
    group.addEventListener("focus", () => this.focusOn(state));
    group.addEventListener("blur", () => this.highlight(null));
    group.addEventListener("keydown", (event) => this.keyOn(state, event));
    return group;
  }

  update(view) {
    const before = this.view;
    this.view = view;
    if (!this.layout || !before || before.shown !== view.shown) this.redraw();
    else this.drawView();
  }

  fitTo(width) {
    if (this.layout && this.layout.width !== width) this.redraw();
  }

  // A new layout: the width, or what states are called, has changed.
  redraw() {
    const width = widthOf(this.element);
    const height = Math.max(320, Math.min(width, 0.8 * window.innerHeight));
    this.texts = Array.from({ length: this.table.n }, (_, state) => windowText(this.table, state, this.view.shown));
    this.layout = nodesAt(this.places, this.texts, width, height);
    this.layout.width = width;
    this.layout.arrowLetters = Math.min(14, Math.max(10, this.layout.radius * 0.45));
    this.forgetWays();
    this.drawView();
  }

  forgetWays() {
    this.ways = new GraphWays(this.table, this.layout.nodes, this.table.n <= MOST_LABELLED_STATES);
    this.drawnArrows = "";
  }

  drawView() {
    const { view, table, layout } = this;
    this.theme = themeOf(view.dark);
    this.scale = valueScale(view.value, view.log);
    this.marks = this.texts.map((_, state) => marksOf(state, view, this.scale, table));
    layout.nodes.forEach((node, state) => {
      const { absorbing } = this.marks[state];
      // Arrows end at the rim, and the rim has another shape now.
      if (node.square !== absorbing) this.forgetWays();
      node.square = absorbing;
    });
    this.drawLegend();
    this.drawNodes();
    this.drawArrows();
    this.drawWalk();
    this.emphasise();
  }

  // A hatching for each colour of letters: it is seen on whatever these are read on.
  drawHatches() {
    const inks = [...INKS, this.theme.ink];
    const patterns = inks.map((ink) => hatching(ink, 7, 0.45));
    this.layers.defs.replaceChildren(...patterns);
    this.hatches = new Map(inks.map((ink, index) => [ink, patterns[index].id]));
  }

  drawLegend() {
    const { view, layout, theme } = this;
    this.drawHatches();
    const entries = markEntries(view, this.hatches, theme);
    if (this.table.n > MOST_LABELLED_STATES) entries.push(...tokenEntries(view.shown, view.dark));
    const top = layout.height + 6;
    const legend = pictureLegend(this.scale, view.value && view.valueName, entries, layout.width, top, view.dark);
    this.layers.legend.replaceChildren(legend.group);
    setAttributes(this.svg, { viewBox: `0 0 ${layout.width} ${Math.ceil(top + legend.height)}` });
  }

  drawNodes() {
    this.nodeGroups.forEach((group, state) => {
      const [node, marks] = [this.layout.nodes[state], this.marks[state]];
      const words = stateInWords(state, this.view, this.table, marks);
      const title = svgElement("title");
      title.textContent = words;
      const pick = { fill: "none", stroke: this.theme.pick, "stroke-width": 3, visibility: "hidden" };
      const label = nodeLabel(node, this.texts[state], this.layout, marks, this.theme);
      const parts = nodeParts(node, marks, this.hatches, this.theme);
      group.replaceChildren(title, ...parts, label, nodeShape(node, 1.22, pick));
      setAttributes(group, { "aria-label": words, "aria-selected": state === this.view.picked });
    });
  }

  // All arrows that can be taken; the most likely ones where they are too many.
  arrowsToDraw() {
    const { V, n } = this.table;
    const { probs, kept, picked } = this.view;
    const arrows = [];
    for (let source = 0; source < n; source += 1) {
      for (let token = 0; token < V; token += 1) {
        const entry = source * V + token;
        if (kept[entry]) arrows.push({ source, token, entry, target: entry % n, probability: probs[entry] });
      }
    }
    arrows.sort((one, other) => other.probability - one.probability || one.entry - other.entry);
    return arrows.filter(({ source }, rank) => rank < MOST_ARROWS || source === picked);
  }

  drawArrows() {
    const arrows = this.arrowsToDraw();
    const key = arrows
      .map(({ entry }) => entry)
      .sort((one, other) => one - other)
      .join();
    if (key !== this.drawnArrows) this.rebuildArrows(arrows);
    this.drawnArrows = key;
    for (const { source, target, token, entry, probability } of arrows) {
      const { line, head, label } = this.arrowParts.get(entry);
      const width = arrowWidth(probability, this.layout.radius);
      const paths = arrowPaths(this.ways.wayOf(source, target), width, headScale(this.layout.radius));
      const { colour, dashes } = tokenLook(token, this.view.dark);
      const dash = dashes.map((length) => length * Math.max(width, 1)).join(" ");
      const stroke = { stroke: colour, "stroke-width": width.toFixed(2), "stroke-dasharray": dash };
      setAttributes(line, { d: paths.line, ...stroke });
      setAttributes(head, { d: paths.head, fill: colour });
      label.textContent = this.labelText(token, probability);
      setAttributes(label, { fill: this.theme.ink, ...outlined(this.theme.ground) });
    }
  }

  rebuildArrows(arrows) {
    const places = this.labelPlaces(arrows);
    const centred = { "text-anchor": "middle", dy: "0.35em" };
    this.arrowParts = new Map();
    arrows.forEach((arrow, rank) => {
      const line = svgElement("path", { fill: "none" });
      const head = svgElement("path");
      const group = svgElement("g", {}, [line, head]);
      const label = svgText("", 0, 0, this.layout.arrowLetters, centred);
      if (places[rank]) setAttributes(label, { x: places[rank][0].toFixed(1), y: places[rank][1].toFixed(1) });
      this.arrowParts.set(arrow.entry, { ...arrow, line, head, group, label, place: places[rank] });
    });
    const parts = [...this.arrowParts.values()];
    // The likely ones lie on top.
    this.layers.arrows.replaceChildren(...parts.map(({ group }) => group).reverse());
    this.layers.labels.replaceChildren(...parts.map(({ label }) => label));
  }

  // Places are found for the widest text that a label can have, and kept while a slider is drawn: labels do not jump.
  labelPlaces(arrows) {
    if (this.table.n > MOST_LABELLED_STATES) return arrows.map(() => null);
    const lines = arrows.map(({ source, target }) => wayPoints(this.ways.wayOf(source, target)));
    const labels = arrows.map((arrow, rank) => this.labelBox(arrow, lines[rank]));
    return this.placed(labels, lines);
  }

  placed(labels, lines) {
    const blocked = blockedPlaces(this.layout, this.texts, this.marks);
    return placeLabels(labels, blocked, lines, this.layout.width, this.layout.height);
  }

  labelBox({ token }, points) {
    const width = textWidth(this.labelText(token, 0.9999), this.layout.arrowLetters);
    return { points, width, height: this.layout.arrowLetters * 1.1, line: 3 };
  }

  labelText(token, probability) {
    return `${this.view.shown[token]}(${percentText(probability, true)})`;
  }

  drawWalk() {
    const trail = this.view.trail || [];
    const steps = trail.slice(-TRAIL_STEPS - 1);
    const { n, V } = this.table;
    const glows = [];
    for (let index = 1; index < steps.length; index += 1) {
      const [source, target] = [steps[index - 1], steps[index]];
      // A walk that was set back to its start made no step there.
      if (Math.floor(target / V) !== source % (n / V)) continue;
      glows.push(
        svgElement("path", {
          d: wayText(this.ways.wayOf(source, target)),
          fill: "none",
          stroke: this.theme.walk,
          "stroke-linecap": "round",
          "stroke-width": Math.max(5, this.layout.radius / 3),
          opacity: (0.15 + (0.6 * index) / steps.length).toFixed(2),
        }),
      );
    }
    this.layers.trail.replaceChildren(...glows);
    this.layers.walker.replaceChildren(...(trail.length ? [this.walkerAt(trail[trail.length - 1])] : []));
  }

  walkerAt(state) {
    const {
      place: [x, y],
      radius,
    } = this.layout.nodes[state];
    const away = radius * Math.SQRT1_2;
    return walkerMark([x + away, y - away], Math.max(4, radius * 0.3), this.theme);
  }

  // The arrows of one state in full, the others pale: lightly for the picked one, so that the whole is still seen.
  emphasise() {
    const active = this.hovered ?? this.view.picked;
    const pale = this.hovered !== null ? 0.12 : 0.4;
    const bare = [];
    for (const part of this.arrowParts.values()) {
      const strong = active === null || part.source === active;
      const opacity = strong ? 1 : part.target === active ? 0.65 : pale;
      setAttributes(part.group, { opacity });
      setAttributes(part.label, { opacity: strong ? 1 : pale, visibility: part.place ? "visible" : "hidden" });
      if (strong && active !== null && !part.place) bare.push(part);
    }
    this.placeBare(bare);
    this.nodeGroups.forEach((group, state) => {
      const rim = state === this.hovered || state === this.view.picked;
      setAttributes(group.lastChild, { visibility: rim ? "visible" : "hidden" });
    });
  }

  // Labels of the active state that had no room among all arrows have some where only its own count.
  placeBare(parts) {
    const labels = parts.map((part) => this.labelBox(part, wayPoints(this.ways.wayOf(part.source, part.target))));
    const lines = labels.map(({ points }) => points);
    const places = this.placed(labels, lines);
    parts.forEach(({ label }, index) => {
      if (places[index]) setAttributes(label, { x: places[index][0], y: places[index][1], visibility: "visible" });
    });
  }

  highlight(state) {
    this.hovered = state;
    if (this.layout) this.emphasise();
  }

  focusOn(state) {
    setAttributes(this.nodeGroups[this.focused], { tabindex: -1 });
    setAttributes(this.nodeGroups[state], { tabindex: 0 });
    this.focused = state;
    this.highlight(state);
  }

  keyOn(state, event) {
    const next = { Home: 0, End: this.table.n - 1 }[event.key] ?? this.neighbour(state, GRAPH_KEYS[event.key]);
    if (event.key === "Enter") this.onPick(state);
    else if (next === null) return;
    else this.nodeGroups[next].focus();
    event.preventDefault();
  }

  // The nearest state in a direction; what lies aside counts as further away.
  neighbour(state, direction) {
    if (!direction) return null;
    const [x, y] = this.layout.nodes[state].place;
    let best = { next: null, cost: Infinity };
    this.layout.nodes.forEach(({ place }, next) => {
      const along = (place[0] - x) * direction[0] + (place[1] - y) * direction[1];
      const aside = Math.abs((place[0] - x) * direction[1]) + Math.abs((place[1] - y) * direction[0]);
      if (along > 1 && along + 2 * aside < best.cost) best = { next, cost: along + 2 * aside };
    });
    return best.next;
  }

  toSVG() {
    return standAloneSvg(this.svg, this.theme.ground);
  }

  destroy() {
    this.unwatch();
    this.element.remove();
  }
}

function arrowWidth(probability, radius) {
  return Math.min(1, 0.35 + radius / 30) * (0.7 + 4.3 * Math.min(1, probability));
}

function headScale(radius) {
  return Math.min(1, 0.45 + radius / 40);
}
