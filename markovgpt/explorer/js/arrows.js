// Arrows as smooth curves from rim to rim: the geometry of markovgpt/graphs (ring_layout, placed_graph), y downward.
//
// A way is the four control points of a cubic Bezier curve, each [x, y].

// Bends to the right, as parts of the chord, in the order in which they are tried.
const BENDS = [0.16, 0.24, 0.34, -0.3, 0.46, -0.42, 0.6, -0.56, 0.8, -0.75, 1.0];
// Least difference between the bends of two arrows there and back.
const BENDS_APART = 0.2;
// Between an arrow and a state that it passes by, in diameters.
const CLEAR = 0.12;
const WAY_SAMPLES = 24;
// Side of a square state, in diameters.
export const SQUARE_SIDE = 0.88;

export function wayPoint([a, b, c, d], t) {
  const u = 1 - t;
  const [atA, atB, atC, atD] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return [0, 1].map((axis) => atA * a[axis] + atB * b[axis] + atC * c[axis] + atD * d[axis]);
}

export function wayPoints(way, count = WAY_SAMPLES) {
  return Array.from({ length: count + 1 }, (_, index) => wayPoint(way, index / count));
}

export function distanceOf([x, y], [toX, toY]) {
  return Math.hypot(toX - x, toY - y);
}

function onTheWay(from, to, part) {
  return [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])];
}

// How far the rim of a state is from its middle, in the direction of another point.
function rimDistance(node, toward) {
  if (!node.square) return node.radius;
  const away = distanceOf(node.place, toward);
  const most = Math.max(Math.abs(toward[0] - node.place[0]), Math.abs(toward[1] - node.place[1]));
  return (SQUARE_SIDE * node.radius * away) / most;
}

// From rim to rim; its middle is half of a bend, in lengths of its chord, to the right of that.
export function bentWay(from, to, bend) {
  const [dx, dy] = [to.place[0] - from.place[0], to.place[1] - from.place[1]];
  const middle = [from.place[0] + dx / 2 - bend * dy, from.place[1] + dy / 2 + bend * dx];
  const first = onTheWay(from.place, middle, rimDistance(from, middle) / distanceOf(from.place, middle));
  const last = onTheWay(to.place, middle, rimDistance(to, middle) / distanceOf(to.place, middle));
  return [first, onTheWay(first, middle, 2 / 3), onTheWay(last, middle, 2 / 3), last];
}

// From a state back to itself, on the side of an angle (clockwise from the right).
export function loopWay(node, angle) {
  const at = (turn, far) => [
    node.place[0] + far * Math.cos(angle + turn),
    node.place[1] + far * Math.sin(angle + turn),
  ];
  const rim = (turn) => at(turn, rimDistance(node, at(turn, 2 * node.radius)));
  return [rim(-0.6), at(-0.55, 3 * node.radius), at(0.55, 3 * node.radius), rim(0.6)];
}

// The smallest bend that keeps off the states between, else the one that comes nearest to that. `back` is the bend of
// the arrow back, or null: this one keeps off it.
export function bendAround(nodes, source, target, back) {
  const others = nodes.filter((_, index) => index !== source && index !== target);
  const wanted = (1 + 2 * CLEAR) * nodes[source].radius;
  let best = { bend: 0, room: -1 };
  for (const bend of BENDS) {
    if (back !== null && Math.abs(bend + back) < BENDS_APART) continue;
    const room = roomBeside(bentWay(nodes[source], nodes[target], bend), others);
    if (room >= wanted) return bend;
    if (room > best.room) best = { bend, room };
  }
  return best.bend;
}

// To the side of the middle of all, which lies against the angles of both states; more for one of the two directions.
export function bendInward(from, to) {
  const turn = from.place[0] - to.place[0] || from.place[1] - to.place[1];
  const outward = [Math.cos(from.angle) + Math.cos(to.angle), Math.sin(from.angle) + Math.sin(to.angle)];
  const [dx, dy] = [to.place[0] - from.place[0], to.place[1] - from.place[1]];
  const size = turn < 0 ? 0.16 : 0.26;
  return -dy * outward[0] + dx * outward[1] > 0 ? -size : size;
}

function roomBeside(way, others) {
  let nearest = Infinity;
  for (const point of wayPoints(way, 16)) {
    for (const other of others) nearest = Math.min(nearest, distanceOf(point, other.place));
  }
  return nearest;
}

// The part of a way before t (de Casteljau).
function wayUntil([a, b, c, d], t) {
  const [ab, bc, cd] = [onTheWay(a, b, t), onTheWay(b, c, t), onTheWay(c, d, t)];
  const [abc, bcd] = [onTheWay(ab, bc, t), onTheWay(bc, cd, t)];
  return [a, ab, abc, onTheWay(abc, bcd, t)];
}

function roundedPoint([x, y]) {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

export function wayText([a, b, c, d]) {
  return `M${roundedPoint(a)}C${roundedPoint(b)} ${roundedPoint(c)} ${roundedPoint(d)}`;
}

// The line of an arrow, which ends within its head, and the head, whose point is the end of the way.
export function arrowPaths(way, width, headScale = 1) {
  const length = headScale * (6 + 1.5 * width);
  const tip = way[3];
  let t = 1;
  while (t > 0.05 && distanceOf(wayPoint(way, t), tip) < length) t -= 0.02;
  const behind = wayPoint(way, t);
  const far = distanceOf(behind, tip) || 1;
  const [alongX, alongY] = [(tip[0] - behind[0]) / far, (tip[1] - behind[1]) / far];
  const corner = (side) => [
    tip[0] - length * alongX + side * 0.42 * length * alongY,
    tip[1] - length * alongY - side * 0.42 * length * alongX,
  ];
  return {
    line: wayText(wayUntil(way, t + (1 - t) * 0.3)),
    head: `M${roundedPoint(tip)}L${roundedPoint(corner(1))} ${roundedPoint(corner(-1))}Z`,
  };
}
