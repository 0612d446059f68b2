// Stationary vectors: elimination for few states, suffix multigrid for many.
import { dotOf, sumOf } from "./arrays.js";
import { functionalGraph } from "./greedy.js";
import { push } from "./products.js";
import { successorOf } from "./table.js";

// As markovgpt/solvers/ has them: multigrid.py, suffix_multigrid.py, balance.py, gth.py.

// States that are left to elimination: of a whole chain, and on a coarse level.
const FEW_STATES = 256;
const BOTTOM = 128;
const SMOOTHING = 2;
const MOST_CYCLES = 150;
const MOST_BASINS = 100;
const ACCURACY = 1e-14;
const BALANCED = 1e-12;
// a residual below it that is not halved by a cycle is the rounding's
const STALLED = 1e-12;
const ROUNDED = 1e-13;

// A chain on its live states, all of which it can come back to: what leaves them (`exits`, in one step) is sent back
// to the restart, a distribution on them. Restart null: nothing leaves, the live states are a recurrent class.
export function restartedChain(table, rows, live, restart) {
  const { V, n } = table;
  const inner = new Float64Array(n * V);
  const exits = new Float64Array(n);
  let size = 0;
  for (let s = 0; s < n; s++) {
    if (!live[s]) continue;
    size++;
    for (let a = 0; a < V; a++) {
      if (live[successorOf(table, s, a)]) inner[s * V + a] = rows.probs[s * V + a];
      else exits[s] += rows.probs[s * V + a];
    }
  }
  return { table, live, size, inner, exits, restart };
}

// The x of sum 1 with x = x Q + (x . exits) restart.
// residual: the largest relative defect; imbalance: the same of the flows into and out of each greedy basin.
export function stationaryOf(chain) {
  if (chain.size > FEW_STATES) return byMultigrid(chain);
  const x = byElimination(chain);
  const residual = x ? relativeDefect(stepOf(chain, x), x) : Infinity;
  return { x: x ?? new Float64Array(chain.table.n), residual, cycles: 0, converged: residual < 1e-10 };
}

function byElimination({ table, live, size, inner, exits, restart }) {
  const { V, n } = table;
  const states = [];
  const place = new Int32Array(n);
  for (let s = 0; s < n; s++) if (live[s]) place[s] = states.push(s) - 1;
  const weights = new Float64Array(size * size);
  states.forEach((s, i) => {
    for (let a = 0; a < V; a++) {
      if (inner[s * V + a] > 0) weights[i * size + place[successorOf(table, s, a)]] += inner[s * V + a];
    }
    if (restart) states.forEach((t, j) => (weights[i * size + j] += exits[s] * restart[t]));
  });
  const solved = eliminate(weights, size);
  if (!solved) return null;
  const x = new Float64Array(n);
  states.forEach((s, i) => (x[s] = solved[i]));
  return x;
}

// The x of sum 1 with x A = x diag(row sums of A) for weights A >= 0, which are used up; the diagonal is not read.
// Without subtraction: Grassmann, Taksar and Heyman, Operations Research 33 (1985) 1107-1116.
// null where some state was left without a way out, or has no mass: numbers were lost below the doubles.
function eliminate(weights, size) {
  for (let k = size - 1; k > 0; k--) {
    let leaving = 0;
    for (let j = 0; j < k; j++) leaving += weights[k * size + j];
    if (!(leaving > 0)) return null;
    for (let i = 0; i < k; i++) {
      const share = (weights[i * size + k] /= leaving);
      if (share === 0) continue;
      for (let j = 0; j < k; j++) weights[i * size + j] += share * weights[k * size + j];
    }
  }
  const x = new Float64Array(size);
  x[0] = 1;
  for (let k = 1; k < size; k++) {
    for (let i = 0; i < k; i++) x[k] += x[i] * weights[i * size + k];
  }
  scaleToOne(x);
  return x.every((mass) => mass > 0) ? x : null;
}

export function scaleToOne(x) {
  const sum = sumOf(x);
  for (let i = 0; i < x.length; i++) x[i] /= sum;
}

// x Q + (x . exits) restart
function stepOf(chain, x) {
  const arrived = push(chain.table, chain.inner, x, new Float64Array(x.length));
  return addRestart(chain, arrived, x);
}

function addRestart({ restart, exits }, arrived, x) {
  if (!restart) return arrived;
  const killed = dotOf(x, exits);
  for (let s = 0; s < arrived.length; s++) arrived[s] += restart[s] * killed;
  return arrived;
}

// The largest |image / y - 1| where y is above zero.
function relativeDefect(image, y) {
  let largest = 0;
  for (let i = 0; i < y.length; i++) {
    if (y[i] === 0) continue;
    const defect = Math.abs(image[i] / y[i] - 1);
    // a NaN is no small defect
    if (!(defect <= largest)) largest = Number.isNaN(defect) ? Infinity : defect;
  }
  return largest;
}

// Cycles of: smoothing that is exact on the greedy machine, greedy basins balanced against each other, and the coarse
// levels, which are the model's own shorter contexts.
// A small residual is not convergence where a chain mixes slowly: the basins must be in balance, too.
function byMultigrid(chain) {
  const greedy = greedyPart(chain);
  let x = Float64Array.from(chain.live, (isLive) => isLive / chain.size);
  let before = Infinity;
  for (let cycle = 1; ; cycle++) {
    smooth(chain, greedy, x);
    const imbalance = balanceBasins(chain, greedy, x);
    const arrived = push(chain.table, chain.inner, x, new Float64Array(x.length));
    const flows = coarseFlows(chain, x, arrived.slice());
    const residual = relativeDefect(addRestart(chain, arrived, x), x);
    const isStalled = before <= STALLED && residual > before / 2;
    const isSolved = (residual <= ACCURACY || isStalled) && imbalance <= BALANCED;
    const isLost = !Number.isFinite(residual + imbalance) || x.some((mass, s) => mass > 0 !== chain.live[s] > 0);
    if (isSolved || isLost || cycle === MOST_CYCLES) {
      return { x, residual, imbalance, cycles: cycle, converged: isSolved && !isLost };
    }
    before = residual;
    const factor = balancedFactor(chain.table.V, flows);
    for (let s = 0; s < x.length; s++) x[s] *= factor[s % factor.length];
    smooth(chain, greedy, x);
  }
}

// Each live state's likeliest token and where it leads (`graph`), `others`: the matrix without it, and `escape`: the
// probability of the others together, those that leave with them.
function greedyPart({ table, live, inner, exits }) {
  const { V, n } = table;
  const others = inner.slice();
  const escape = exits.slice();
  const successor = new Int32Array(n).fill(-1);
  for (let s = 0; s < n; s++) {
    if (!live[s]) continue;
    let best = 0;
    for (let a = 1; a < V; a++) if (inner[s * V + a] > inner[s * V + best]) best = a;
    if (inner[s * V + best] > exits[s]) {
      successor[s] = successorOf(table, s, best);
      others[s * V + best] = 0;
    }
    for (let a = 0; a < V; a++) escape[s] += others[s * V + a];
  }
  const graph = functionalGraph(successor);
  return { graph, others, escape, groups: basinGroups(live, graph) };
}

// x <- (x (Q - D G) + (x . exits) restart) (I - D G)^-1, G the greedy successors, D their probabilities; in place.
function smooth(chain, { graph, others, escape }, x) {
  for (let step = 0; step < SMOOTHING; step++) {
    const arrived = push(chain.table, others, x, new Float64Array(x.length));
    x.set(alongGreedy(graph, escape, addRestart(chain, arrived, x)));
  }
  scaleToOne(x);
}

// The x with x[j] = begin[j] + the sum over i -> j of x[i] (1 - escape[i]), in place of begin: down the trees, then
// around each cycle, closed by what escapes from it.
function alongGreedy({ successor, order, cycles }, escape, x) {
  for (const s of order) if (successor[s] >= 0) x[successor[s]] += x[s] * (1 - escape[s]);
  for (const cycle of cycles) {
    let arrived = 0;
    let logOfStaying = 0;
    for (const s of cycle) {
      arrived = (arrived + x[s]) * (1 - escape[s]);
      logOfStaying += Math.log1p(-escape[s]);
    }
    let carry = arrived / -Math.expm1(logOfStaying);
    for (const s of cycle) {
      x[s] += carry;
      carry = x[s] * (1 - escape[s]);
    }
  }
  return x;
}

// The group of each live state, -1 for the others: its greedy basin; small basins, if there are many, together; and
// all that lead out together.
function basinGroups(live, { basin, cycles }) {
  const sizes = new Int32Array(cycles.length);
  live.forEach((isLive, s) => isLive && basin[s] >= 0 && sizes[basin[s]]++);
  const largestFirst = Array.from(sizes.keys()).sort((i, j) => sizes[j] - sizes[i]);
  const groupOfBasin = new Int32Array(cycles.length);
  largestFirst.forEach((index, rank) => (groupOfBasin[index] = Math.min(rank, MOST_BASINS)));
  const last = Math.min(cycles.length, MOST_BASINS + 1);
  const groupOf = new Int32Array(live.length).fill(-1);
  live.forEach((isLive, s) => isLive && (groupOf[s] = basin[s] >= 0 ? groupOfBasin[basin[s]] : last));
  const leadsOut = live.some((isLive, s) => isLive && basin[s] < 0);
  return { groupOf, count: last + (leadsOut ? 1 : 0) };
}

// Multiply each group by a factor, so that what enters it is what leaves it; returned is by how much that was off.
function balanceBasins({ table, inner, exits, restart }, { groups }, x) {
  const { groupOf, count } = groups;
  if (count === 1) return 0;
  const flows = new Float64Array(count * count);
  const mass = new Float64Array(count);
  const ended = new Float64Array(count);
  const begun = new Float64Array(count);
  for (let s = 0; s < table.n; s++) {
    if (groupOf[s] < 0) continue;
    mass[groupOf[s]] += x[s];
    ended[groupOf[s]] += x[s] * exits[s];
    if (restart) begun[groupOf[s]] += restart[s];
    for (let a = 0; a < table.V; a++) {
      const flow = x[s] * inner[s * table.V + a];
      if (flow > 0) flows[groupOf[s] * count + groupOf[successorOf(table, s, a)]] += flow;
    }
  }
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) flows[i * count + j] += ended[i] * begun[j];
    flows[i * count + i] = 0;
  }
  const imbalance = imbalanceOf(flows, count);
  if (imbalance <= ROUNDED) return imbalance;
  const factor = factorOf(flows, mass);
  for (let s = 0; s < table.n; s++) if (groupOf[s] >= 0) x[s] *= factor[groupOf[s]];
  return imbalance;
}

function imbalanceOf(flows, count) {
  const entering = new Float64Array(count);
  const leaving = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      leaving[i] += flows[i * count + j];
      entering[j] += flows[i * count + j];
    }
  }
  return relativeDefect(entering, leaving);
}

// What each mass must be multiplied by so that its flows are in balance, 0 where there is none; NaN where flows were
// lost below the doubles.
function factorOf(flows, mass) {
  const factor = new Float64Array(mass.length);
  const alive = [...mass.keys()].filter((i) => mass[i] > 0);
  const weights = new Float64Array(alive.length ** 2);
  alive.forEach((i, row) => {
    alive.forEach((j, column) => (weights[row * alive.length + column] = flows[i * mass.length + j] / mass[i]));
  });
  const balanced = eliminate(weights, alive.length);
  alive.forEach((i, row) => (factor[i] = balanced ? balanced[row] / mass[i] : NaN));
  return factor;
}

// The chain over windows one token shorter, as what flows in it under x: between[m * V + t], which is what arrives in
// the window (m, t), summed over oldest tokens; the mass of each m, what ends there, and what begins.
function coarseFlows({ exits, restart, table }, x, between) {
  const killed = x.map((mass, s) => mass * exits[s]);
  const begun = restart ?? new Float64Array(x.length);
  return {
    between,
    mass: summedOverOldest(x, table.V),
    ended: summedOverOldest(killed, table.V),
    begun: summedOverOldest(begun, table.V),
  };
}

function summedOverOldest(numbers, V) {
  const sums = new Float64Array(numbers.length / V);
  for (let i = 0; i < numbers.length; i++) sums[i % sums.length] += numbers[i];
  return sums;
}

// About what the mass of each coarse window must be multiplied by: by elimination if they are few; otherwise what the
// next shorter windows say, and one step.
function balancedFactor(V, { between, mass, ended, begun }) {
  const nowhere = sumOf(begun) === 0;
  const share = begun.map((begin) => (nowhere ? 0 : begin / sumOf(begun)));
  if (mass.length <= BOTTOM || mass.length < V * V) return eliminatedFactor(V, between, mass, ended, share);
  const shorter = new Float64Array(mass.length);
  // flows into (m, t) of all windows (a, m)
  for (let i = 0; i < between.length; i++) shorter[i % shorter.length] += between[i];
  const factor = balancedFactor(V, {
    between: shorter,
    mass: summedOverOldest(mass, V),
    ended: summedOverOldest(ended, V),
    begun: summedOverOldest(begun, V),
  });
  let killed = 0;
  for (let i = 0; i < ended.length; i++) killed += ended[i] * factor[i % factor.length];
  return mass.map((here, i) => {
    const arrived = factor[Math.floor(i / V)] * shorter[i] + share[i] * killed;
    return here > 0 ? arrived / here : 0;
  });
}

function eliminatedFactor(V, between, mass, ended, share) {
  const size = mass.length;
  const flows = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let a = 0; a < V; a++) flows[i * size + ((i * V + a) % size)] += between[i * V + a];
    for (let j = 0; j < size; j++) flows[i * size + j] += ended[i] * share[j];
  }
  return factorOf(flows, mass);
}
