// The cells of a mosaic on a canvas: colours, hatching where nothing is possible, and the marks of states.
import { INKS, colourOfValue, inkOn } from "./colours.js";
import { svgElement } from "./drawing.js";
import { cellCorner } from "./mosaic_places.js";

// The least size of a cell that has room for a mark, and for a double frame, in pixels.
const LEAST_MARKED = 6;
const LEAST_DOUBLE = 9;

// `picture` = {table, view, places, layout, scale, theme, ratio}
export function drawMosaicCells(canvas, picture) {
  const { layout, ratio, view } = picture;
  canvas.width = Math.round(layout.width * ratio);
  canvas.height = Math.round(layout.height * ratio);
  canvas.style.width = `${canvas.width / ratio}px`;
  canvas.style.height = `${canvas.height / ratio}px`;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = layout.cell * ratio < 1;
  // All windows in grey first, hatched; what has a colour covers that. Cells without a window stay blank.
  const grey = hexColour(picture.theme.node);
  drawTiles(
    context,
    cellDots(picture, () => grey),
    picture,
  );
  if (view.value) {
    context.globalCompositeOperation = "source-atop";
    hatchCanvas(context, picture.theme.line, ratio);
    context.globalCompositeOperation = "source-over";
    drawTiles(
      context,
      cellDots(picture, (state) => colourOfValue(picture.scale, view.value[state])),
      picture,
    );
  }
  drawStateMarks(context, picture);
}

function hexColour(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// A picture of one dot a cell; `colourAt` gives [red, green, blue], or null for a dot that stays clear.
function cellDots({ places, table }, colourAt) {
  const dots = document.createElement("canvas");
  dots.width = places.columns;
  dots.height = places.rows;
  const context = dots.getContext("2d");
  const image = context.createImageData(dots.width, dots.height);
  for (let state = 0; state < table.n; state += 1) {
    const colour = colourAt(state);
    if (colour === null) continue;
    const at = 4 * (places.row[state] * places.columns + places.column[state]);
    image.data[at] = colour[0];
    image.data[at + 1] = colour[1];
    image.data[at + 2] = colour[2];
    image.data[at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return dots;
}

// Enlarged tile by tile, without smoothing: there are gaps between the tiles.
function drawTiles(context, dots, { table, places, layout, ratio }) {
  const { tileRows, tileColumns, grid } = places;
  const [wide, high] = [tileColumns * layout.cell * ratio, tileRows * layout.cell * ratio];
  for (let token = 0; token < table.V; token += 1) {
    const [row, column] = [Math.floor(token / grid[1]) * tileRows, (token % grid[1]) * tileColumns];
    const [x, y] = cellCorner(layout, row, column);
    context.drawImage(dots, column, row, tileColumns, tileRows, x * ratio, y * ratio, wide, high);
  }
}

function hatchCanvas(context, colour, ratio) {
  const { width, height } = context.canvas;
  context.strokeStyle = colour;
  context.lineWidth = ratio;
  context.beginPath();
  for (let x = -height; x < width; x += 5 * ratio) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
}

// Red: a double frame; never left: a small square; on a cycle: a dot. Where cells are too small, a red one is red.
function drawStateMarks(context, { table, view, places, layout, scale, theme, ratio }) {
  const size = layout.cell;
  context.save();
  context.scale(ratio, ratio);
  for (let state = 0; state < table.n; state += 1) {
    const cycle = view.cycle && view.cycle[state];
    const absorbing = view.absorbing && view.absorbing[state];
    if (!view.red[state] && !cycle && !absorbing) continue;
    const [x, y] = cellCorner(layout, places.row[state], places.column[state]);
    if (view.red[state]) frameRed(context, x, y, size, theme);
    if (size < LEAST_MARKED || !(cycle || absorbing)) continue;
    const colour = view.value ? colourOfValue(scale, view.value[state]) : null;
    context.fillStyle = colour ? inkOn(colour) : theme.ink;
    drawMark(context, x + size / 2, y + size / 2, Math.min(5, size / 6), Boolean(absorbing));
  }
  context.restore();
}

function frameRed(context, x, y, size, theme) {
  if (size < LEAST_MARKED) {
    context.fillStyle = theme.red;
    context.fillRect(x, y, size, size);
    return;
  }
  context.lineWidth = 1.5;
  context.strokeStyle = theme.red;
  context.strokeRect(x + 0.75, y + 0.75, size - 1.5, size - 1.5);
  if (size < LEAST_DOUBLE) return;
  context.lineWidth = 1;
  context.strokeStyle = INKS[1];
  context.strokeRect(x + 2, y + 2, size - 4, size - 4);
  context.strokeStyle = theme.red;
  context.strokeRect(x + 3, y + 3, size - 6, size - 6);
}

function drawMark(context, x, y, radius, square) {
  context.beginPath();
  if (square) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  else context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

// The samples of the legend: only the marks that occur.
export function mosaicEntries({ view, layout, scale, theme }) {
  const occurs = (mask) => mask && mask.some((one) => one);
  const frame = (attributes) => svgElement("rect", { x: 4, y: 0, width: 14, height: 14, fill: "none", ...attributes });
  const entries = [{ sample: frame({ stroke: theme.ink, "stroke-width": 3 }), text: "start" }];
  if (occurs(view.red)) {
    const inner = svgElement("rect", { x: 7, y: 3, width: 8, height: 8, fill: "none", stroke: theme.red });
    const double = svgElement("g", {}, [frame({ stroke: theme.red, "stroke-width": 1.5 }), inner]);
    const whole = frame({ fill: theme.red });
    entries.push({ sample: layout.cell < LEAST_MARKED ? whole : double, text: "red" });
  }
  if (layout.cell >= LEAST_MARKED && occurs(view.cycle)) {
    const dot = svgElement("circle", { cx: 11, cy: 7, r: 3, fill: theme.ink });
    entries.push({ sample: dot, text: "on a cycle of temperature zero" });
  }
  if (layout.cell >= LEAST_MARKED && occurs(view.absorbing)) {
    const square = svgElement("rect", { x: 8, y: 4, width: 6, height: 6, fill: theme.ink });
    entries.push({ sample: square, text: "never left" });
  }
  if (scale.impossible) {
    const lines = svgElement("path", { d: "M4 7L11 0M4 14L18 0M11 14L18 7", stroke: theme.quiet });
    entries.push({ sample: svgElement("g", {}, [frame({ stroke: theme.line }), lines]), text: "impossible" });
  }
  if (scale.infinite) entries.push({ sample: frame({ fill: "#000000", stroke: theme.line }), text: "infinite" });
  return entries;
}
