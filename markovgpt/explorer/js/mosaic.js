// All states as cells of a mosaic (chaos-game representation): windows that end alike lie together.
//
// The cells are a canvas, everything else an SVG on top of it. The mosaic has the focus as a whole: the arrow keys move
// the picked cell. Lengths are pixels of the page.
import { arrowPaths, bentWay, loopWay, wayPoints, wayText } from "./arrows.js";
import { INKS, pictureLegend, valueScale } from "./colours.js";
import { fittedText, outlined, percentText, setAttributes, standAloneSvg, svgElement } from "./drawing.js";
import { svgText, textWidth, themeOf, watchWidth, widthOf } from "./drawing.js";
import { marksOf, stateInWords, walkerMark } from "./graph_nodes.js";
import { placeLabels } from "./label_places.js";
import { drawMosaicCells, mosaicEntries } from "./mosaic_cells.js";
import { cellAt, cellCorner, mosaicLayout, mosaicPlaces, statesOfCells } from "./mosaic_places.js";

const MOSAIC_KEYS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
// Steps of the walk that are still seen.
const MOSAIC_TRAIL_STEPS = 24;
// The least room that the token of a tile within a tile needs.
const INNER_LABEL = { width: 22, height: 18 };
// Arrows of the picked state that may have a label.
const MOST_ARROW_LABELS = 16;

export function makeMosaic(parent, table, options) {
  return new MosaicPicture(parent, table, options);
}

class MosaicPicture {
  constructor(parent, table, { onPick } = {}) {
    this.table = table;
    this.onPick = onPick || (() => {});
    this.places = mosaicPlaces(table);
    this.states = statesOfCells(this.places);
    this.view = null;
    this.buildElement(parent);
    this.listen();
    this.unwatch = watchWidth(this.element, (width) => this.fitTo(width));
  }

  buildElement(parent) {
    this.element = document.createElement("div");
    this.element.className = "explorer-mosaic";
    this.element.tabIndex = 0;
    setAttributes(this.element, { role: "application", "aria-roledescription": "mosaic of all states" });
    this.element.style.position = "relative";
    this.canvas = document.createElement("canvas");
    this.canvas.style.imageRendering = "pixelated";
    this.canvas.style.display = "block";
    this.buildOverlay();
    this.tip = document.createElement("div");
    this.tip.className = "explorer-tip";
    this.tip.hidden = true;
    this.element.append(this.canvas, this.svg, this.tip);
    parent.append(this.element);
  }

  buildOverlay() {
    this.svg = svgElement("svg", { "aria-hidden": true });
    Object.assign(this.svg.style, { position: "absolute", left: 0, top: 0, pointerEvents: "none" });
    this.layers = {};
    for (const name of ["tiles", "trail", "arrows", "marks", "legend"]) {
      this.layers[name] = svgElement("g");
      this.svg.append(this.layers[name]);
    }
  }

  listen() {
    this.element.addEventListener("click", (event) => this.clicked(event));
    this.element.addEventListener("pointermove", (event) => this.showTip(event));
    this.element.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
    });
    this.element.addEventListener("keydown", (event) => this.pressed(event));
  }

  fitTo(width) {
    if (this.layout && this.layout.width !== width) this.redraw();
  }

  update(view) {
    const before = this.view;
    this.view = view;
    if (!this.layout || before.shown !== view.shown || before.dark !== view.dark) this.redraw();
    else this.drawView();
  }

  // A new layout: the width, the theme, or what tokens are called, has changed.
  redraw() {
    this.ratio = window.devicePixelRatio || 1;
    this.theme = themeOf(this.view.dark);
    const width = widthOf(this.element);
    this.layout = mosaicLayout(this.places, width, Math.max(320, 0.75 * window.innerHeight), this.ratio);
    this.drawTileLabels();
    this.drawView();
  }

  drawView() {
    this.scale = valueScale(this.view.value, this.view.log);
    drawMosaicCells(this.canvas, this);
    this.drawWalk();
    this.drawArrows();
    this.drawMarks();
    this.drawLegend();
    this.describe();
  }

  tileCorner(token) {
    const { grid, tileRows, tileColumns } = this.places;
    return cellCorner(this.layout, Math.floor(token / grid[1]) * tileRows, (token % grid[1]) * tileColumns);
  }

  // The newest token above its tile, and where there is room, the one before in the tiles within.
  drawTileLabels() {
    const { table, layout, theme, view, places } = this;
    const parts = [];
    const [width, height] = [layout.cell * places.tileColumns, layout.cell * places.tileRows];
    for (let token = 0; layout.label > 0 && token < table.V; token += 1) {
      const [x, y] = this.tileCorner(token);
      parts.push(svgElement("rect", { x, y, width, height, fill: "none", stroke: theme.line }));
      const text = fittedText(view.shown[token], width, 12);
      parts.push(svgText(text, x, y - 4, 12, { fill: theme.ink, "font-weight": 600 }));
      parts.push(...this.innerLabels(x, y));
    }
    this.layers.tiles.replaceChildren(...parts);
  }

  innerLabels(left, top) {
    const { table, layout, places, view } = this;
    // One level down, a tile is cut into as many rows as it was into columns.
    const [columns, rows] = places.grid;
    const [width, height] = [(layout.cell * places.tileColumns) / columns, (layout.cell * places.tileRows) / rows];
    if (table.L < 2 || width < INNER_LABEL.width || height < INNER_LABEL.height) return [];
    return view.shown.map((text, token) => {
      const [x, y] = [left + (token % columns) * width + 3, top + Math.floor(token / columns) * height + 11];
      return svgText(fittedText(text, width - 6, 10), x, y, 10, { fill: INKS[1], ...outlined(INKS[0], 2.5) });
    });
  }

  // A cell as an end of arrows: small ones are kept off a little, so that they are still seen.
  cellNode(state) {
    const [x, y] = cellCorner(this.layout, this.places.row[state], this.places.column[state]);
    const half = this.layout.cell / 2;
    return { place: [x + half, y + half], radius: Math.min(14, Math.max(half, 4)), square: false };
  }

  // Arrows bend to the middle of the mosaic, so that none leaves it.
  wayBetween(source, target) {
    const [from, to] = [this.cellNode(source), this.cellNode(target)];
    const [right, down] = [this.layout.width / 2 - from.place[0], this.layout.height / 2 - from.place[1]];
    if (source === target) return loopWay({ ...from, radius: Math.max(from.radius, 9) }, Math.atan2(down, right));
    const [dx, dy] = [to.place[0] - from.place[0], to.place[1] - from.place[1]];
    return bentWay(from, to, dx * down - dy * right > 0 ? 0.16 : -0.16);
  }

  // The picked state's arrows, each with a rim in the colour of the ground, seen on any cell.
  drawArrows() {
    const { view, theme } = this;
    const arrows = view.picked === null ? [] : this.arrowsOf(view.picked);
    const lines = arrows.map(({ way }) => wayPoints(way));
    const labels = arrows
      .slice(0, MOST_ARROW_LABELS)
      .map(({ text }, rank) => ({ points: lines[rank], width: textWidth(text, 12), height: 14, line: 3 }));
    const places = placeLabels(labels, [], lines, this.layout.width, this.layout.height);
    const parts = arrows.map((arrow) => arrowOnCells(arrow, theme)).reverse();
    places.forEach((place, rank) => {
      if (!place) return;
      const style = { fill: theme.ink, "text-anchor": "middle", dy: "0.35em", "font-weight": 600 };
      parts.push(svgText(arrows[rank].text, ...place, 12, { ...style, ...outlined(theme.ground, 4) }));
    });
    this.layers.arrows.replaceChildren(...parts);
  }

  // The likeliest first.
  arrowsOf(state) {
    const {
      table: { V, n },
      view,
    } = this;
    const arrows = [];
    for (let token = 0; token < V; token += 1) {
      const entry = state * V + token;
      if (!view.kept[entry]) continue;
      const probability = view.probs[entry];
      const text = `${view.shown[token]}(${percentText(probability, true)})`;
      arrows.push({ probability, text, way: this.wayBetween(state, entry % n) });
    }
    return arrows.sort((one, other) => other.probability - one.probability);
  }

  drawWalk() {
    const steps = (this.view.trail || []).slice(-MOSAIC_TRAIL_STEPS - 1);
    const { n, V } = this.table;
    const parts = [];
    for (let index = 1; index < steps.length; index += 1) {
      const [source, target] = [steps[index - 1], steps[index]];
      // A walk that was set back to its start made no step there.
      if (Math.floor(target / V) !== source % (n / V)) continue;
      const opacity = (0.15 + (0.75 * index) / steps.length).toFixed(2);
      const way = wayText(this.wayBetween(source, target));
      parts.push(...trailStep(way, this.cellNode(source).place, opacity, this.theme));
    }
    if (steps.length) parts.push(walkerMark(this.cellNode(steps[steps.length - 1]).place, 7, this.theme));
    this.layers.trail.replaceChildren(...parts);
  }

  drawMarks() {
    const { start, picked } = this.view;
    const parts = this.framed(start, this.theme.ink, 2.5);
    if (picked !== null) parts.push(...this.framed(picked, this.theme.pick, 3));
    this.layers.marks.replaceChildren(...parts);
  }

  // A frame around a cell, with a rim in the colour of the ground; a ring around that where cells are small.
  framed(state, colour, thick) {
    const { cell } = this.layout;
    const [x, y] = cellCorner(this.layout, this.places.row[state], this.places.column[state]);
    const shape =
      cell >= 10
        ? () => svgElement("rect", { x: x - 1, y: y - 1, width: cell + 2, height: cell + 2, fill: "none" })
        : () => svgElement("circle", { cx: x + cell / 2, cy: y + cell / 2, r: cell / 2 + 5, fill: "none" });
    const [rim, line] = [shape(), shape()];
    setAttributes(rim, { stroke: this.theme.ground, "stroke-width": thick + 3 });
    setAttributes(line, { stroke: colour, "stroke-width": thick });
    return [rim, line];
  }

  drawLegend() {
    const { layout, view } = this;
    const top = Math.ceil(layout.height) + 10;
    const entries = mosaicEntries(this);
    if (view.trail && view.trail.length) {
      entries.push({ sample: walkerMark([11, 7], 6, this.theme), text: "the walk is here" });
    }
    const legend = pictureLegend(this.scale, view.value && view.valueName, entries, layout.width, top, view.dark);
    this.layers.legend.replaceChildren(legend.group);
    const height = top + legend.height;
    setAttributes(this.svg, { viewBox: `0 0 ${layout.width} ${height}`, width: layout.width, height });
    this.element.style.height = `${height}px`;
  }

  describe() {
    const { table, view } = this;
    const whole = `${table.n} states, one cell each; the newest token picks the tile. Arrow keys move, Enter picks.`;
    const picked = view.picked === null ? "" : ` ${this.wordsOf(view.picked)}`;
    this.element.setAttribute("aria-label", `Mosaic of ${whole}${picked}`);
  }

  wordsOf(state) {
    return stateInWords(state, this.view, this.table, marksOf(state, this.view, this.scale, this.table));
  }

  stateUnder(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const cell = this.layout && cellAt(this.layout, event.clientX - left, event.clientY - top);
    return cell ? this.states[cell[0] * this.places.columns + cell[1]] : -1;
  }

  clicked(event) {
    const state = this.stateUnder(event);
    if (state >= 0) this.onPick(state);
  }

  showTip(event) {
    const state = this.stateUnder(event);
    this.tip.hidden = state < 0;
    if (state < 0) return;
    const { left, top } = this.element.getBoundingClientRect();
    const { theme, layout } = this;
    this.tip.textContent = this.wordsOf(state);
    Object.assign(this.tip.style, {
      position: "absolute",
      zIndex: 1,
      pointerEvents: "none",
      maxWidth: "220px",
      padding: "4px 8px",
      fontSize: "13px",
      color: theme.ink,
      background: theme.ground,
      border: `1px solid ${theme.line}`,
      borderRadius: "4px",
      left: `${Math.max(0, Math.min(layout.width - 240, event.clientX - left + 14))}px`,
      top: `${event.clientY - top + 16}px`,
    });
  }

  pressed(event) {
    const { picked, start } = this.view;
    const step = MOSAIC_KEYS[event.key];
    if (!step && event.key !== "Enter") return;
    const next = step && picked !== null ? this.nextCell(picked, step) : (picked ?? start);
    if (!step || next !== picked) this.onPick(next); // at the edge nothing: what is picked twice is let go
    event.preventDefault();
  }

  // The next cell in a direction that has a state; the same one at the edge.
  nextCell(state, [down, right]) {
    const { rows, columns } = this.places;
    let [row, column] = [this.places.row[state] + down, this.places.column[state] + right];
    while (row >= 0 && column >= 0 && row < rows && column < columns) {
      const found = this.states[row * columns + column];
      if (found >= 0) return found;
      [row, column] = [row + down, column + right];
    }
    return state;
  }

  // The cells are embedded as a picture below everything else.
  toSVG() {
    const { canvas, ratio, svg } = this;
    const cells = svgElement("image", {
      width: canvas.width / ratio,
      height: canvas.height / ratio,
      href: canvas.toDataURL(),
      "image-rendering": "pixelated",
    });
    svg.prepend(cells);
    const text = standAloneSvg(svg, this.theme.ground);
    cells.remove();
    return text;
  }

  destroy() {
    this.unwatch();
    this.element.remove();
  }
}

function arrowOnCells({ probability, way }, theme) {
  const width = 0.8 + 3.4 * Math.min(1, probability);
  const { line, head } = arrowPaths(way, width);
  const rim = { stroke: theme.ground, "stroke-linejoin": "round" };
  return svgElement("g", { opacity: probability < 0.005 ? 0.45 : 1 }, [
    svgElement("path", { d: line, fill: "none", ...rim, "stroke-width": width + 2.5 }),
    svgElement("path", { d: head, fill: theme.pick, ...rim, "stroke-width": 1.2 }),
    svgElement("path", { d: line, fill: "none", stroke: theme.pick, "stroke-width": width }),
  ]);
}

function trailStep(d, [cx, cy], opacity, theme) {
  return [
    svgElement("path", { d, fill: "none", stroke: theme.ground, "stroke-width": 5, opacity }),
    svgElement("path", { d, fill: "none", stroke: theme.walk, "stroke-width": 3, opacity }),
    svgElement("circle", { cx, cy, r: 3, fill: theme.walk, stroke: theme.ground, opacity }),
  ];
}
