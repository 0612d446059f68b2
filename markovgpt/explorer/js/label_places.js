// Where the labels of arrows stand: beside their own, on nothing (the method of markovgpt/graphs/label_places.py).
//
// Nodes and arrows are drawn into a raster that counts them at each point; how much lies within a box is then four
// sums. Labels choose in their order; for some there may be no room.

const RASTER_DOT = 3;
const BLOCKED = 1e6;
// Between a label and its own arrow, and between a label and anything else, in pixels.
const OWN_GAPS = [2, 4, 7];
const OTHER_GAPS = [8, 5, 3];
// Where along its arrow a label stands best.
const BEST_PART = 0.36;

// `labels`: {points of the arrow, width and height of the text, line: the arrow's width}; `nodes`: {place, radius};
// `lines`: the points of all arrows, those of the labels among them. Returns a middle [x, y], or null, for each label.
export function placeLabels(labels, nodes, lines, width, height) {
  const raster = makeRaster(nodes, lines, width, height);
  const taken = [];
  return labels.map((label) => {
    const found = placeFor(label, raster, taken);
    if (found) taken.push({ middle: found, halfWidth: label.width / 2, halfHeight: label.height / 2 });
    return found;
  });
}

function makeRaster(nodes, lines, width, height) {
  const columns = Math.ceil(width / RASTER_DOT) + 1;
  const rows = Math.ceil(height / RASTER_DOT) + 1;
  const raster = { width, height, columns, rows, sums: new Float64Array((columns + 1) * (rows + 1)) };
  const counts = new Float64Array(columns * rows);
  for (const points of lines) for (const dot of dotsAlong(points, raster)) counts[dot] += 1;
  for (const node of nodes) blockNode(counts, node, raster);
  for (let row = 0; row < rows; row += 1) {
    let soFar = 0;
    for (let column = 0; column < columns; column += 1) {
      soFar += counts[row * columns + column];
      raster.sums[(row + 1) * (columns + 1) + column + 1] = raster.sums[row * (columns + 1) + column + 1] + soFar;
    }
  }
  return raster;
}

// The dots that a line of straight pieces touches, none twice.
function dotsAlong(points, raster) {
  const dots = new Set();
  for (let index = 1; index < points.length; index += 1) {
    const [[x, y], [nextX, nextY]] = [points[index - 1], points[index]];
    const steps = Math.ceil(Math.hypot(nextX - x, nextY - y) / (RASTER_DOT / 2)) || 1;
    for (let step = 0; step <= steps; step += 1) {
      const dot = dotAt(x + ((nextX - x) * step) / steps, y + ((nextY - y) * step) / steps, raster);
      if (dot >= 0) dots.add(dot);
    }
  }
  return dots;
}

function dotAt(x, y, raster) {
  const [column, row] = [Math.floor(x / RASTER_DOT), Math.floor(y / RASTER_DOT)];
  const inside = column >= 0 && row >= 0 && column < raster.columns && row < raster.rows;
  return inside ? row * raster.columns + column : -1;
}

function blockNode(counts, { place: [x, y], radius }, raster) {
  for (let up = -radius; up <= radius; up += RASTER_DOT) {
    const across = Math.sqrt(radius * radius - up * up);
    for (let right = -across; right <= across; right += RASTER_DOT) {
      const dot = dotAt(x + right, y + up, raster);
      if (dot >= 0) counts[dot] = BLOCKED;
    }
  }
}

function placeFor(label, raster, taken) {
  const own = dotsAlong(label.points, raster);
  for (const gap of OTHER_GAPS) {
    for (const middle of candidatesOf(label, gap)) {
      const bare = boxAround(middle, label, 0, raster);
      if (!bare || countIn(bare, raster) > 0) continue;
      const wide = boxAround(middle, label, gap, raster);
      if (!wide || touchesOther(middle, label, gap, taken)) continue;
      if (countIn(wide, raster) === ownIn(wide, own, raster)) return middle;
    }
  }
  return null;
}

// Middles beside an arrow, the best first: near the best part of it, on its right side.
function candidatesOf({ points, width, height, line }, gap) {
  const found = [];
  const least = Math.ceil(points.length / 10);
  for (let index = least; index < points.length - least; index += 1) {
    const [[x, y], [beforeX, beforeY], [afterX, afterY]] = [points[index], points[index - 1], points[index + 1]];
    const long = Math.hypot(afterX - beforeX, afterY - beforeY) || 1;
    const aside = [-(afterY - beforeY) / long, (afterX - beforeX) / long];
    for (const own of OWN_GAPS) {
      // A label is nearer to its own arrow than to anything else.
      if (own >= gap) continue;
      const reach = (Math.abs(aside[0]) * width) / 2 + (Math.abs(aside[1]) * height) / 2 + own + line / 2;
      for (const side of [1, -1]) {
        const cost = Math.abs(index / points.length - BEST_PART) + own / 30 + (side < 0 ? 0.02 : 0);
        found.push({ cost, middle: [x + side * reach * aside[0], y + side * reach * aside[1]] });
      }
    }
  }
  return found.sort((one, other) => one.cost - other.cost).map(({ middle }) => middle);
}

function boxAround([x, y], { width, height }, gap, raster) {
  const [reachX, reachY] = [width / 2 + gap, height / 2 + gap];
  const [left, right, top, bottom] = [x - reachX, x + reachX, y - reachY, y + reachY];
  const bare = gap === 0;
  if (bare && (left < 0 || top < 0 || right > raster.width || bottom > raster.height)) return null;
  const clip = (value, most) => Math.max(0, Math.min(most - 1, Math.floor(value / RASTER_DOT)));
  return {
    left: clip(left, raster.columns),
    right: clip(right, raster.columns),
    top: clip(top, raster.rows),
    bottom: clip(bottom, raster.rows),
  };
}

function countIn({ left, right, top, bottom }, { sums, columns }) {
  const at = (row, column) => sums[row * (columns + 1) + column];
  return at(bottom + 1, right + 1) - at(top, right + 1) - at(bottom + 1, left) + at(top, left);
}

function ownIn({ left, right, top, bottom }, own, { columns }) {
  let count = 0;
  for (const dot of own) {
    const [row, column] = [Math.floor(dot / columns), dot % columns];
    if (row >= top && row <= bottom && column >= left && column <= right) count += 1;
  }
  return count;
}

function touchesOther([x, y], { width, height }, gap, taken) {
  return taken.some(
    ({ middle, halfWidth, halfHeight }) =>
      Math.abs(x - middle[0]) < width / 2 + halfWidth + gap && Math.abs(y - middle[1]) < height / 2 + halfHeight + gap,
  );
}
