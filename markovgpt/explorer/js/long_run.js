// The long run.
import { sumOf } from "./arrays.js";
import { classesOf, reachedFrom } from "./classes.js";
import { restartedChain, scaleToOne, stationaryOf } from "./stationary.js";
import { successorOf } from "./table.js";

// Which share of the time is spent in each state in the long run, from a start: `value`, 0 exactly on transient
// states. In each recurrent class its stationary distribution (a period does not matter), times the probability of
// ending there.
export function longRun(table, rows, start) {
  const classes = classesOf(table, rows.kept);
  const found = { value: new Float64Array(table.n), residual: 0, cycles: 0, converged: true, classes };
  const ending = endsOf(table, rows, classes, start, found);
  classes.recurrent.forEach((states, index) => {
    if (ending[index] === 0) return;
    const inside = noteSolved(found, insideClass(table, rows, states));
    for (const s of states) found.value[s] = ending[index] * inside.x[s];
  });
  found.ending = ending;
  return found;
}

// Keep the worst of several solutions.
function noteSolved(found, solution) {
  found.residual = Math.max(found.residual, solution.residual);
  found.cycles += solution.cycles;
  found.converged &&= solution.converged;
  return solution;
}

function insideClass(table, rows, states) {
  const live = new Uint8Array(table.n);
  for (const s of states) live[s] = 1;
  if (isOneCycle(table, rows, states)) {
    return { x: Float64Array.from(live, (isLive) => isLive / states.length), residual: 0, cycles: 0, converged: true };
  }
  return stationaryOf(restartedChain(table, rows, live, null));
}

function isOneCycle(table, rows, states) {
  return states.every((s) => sumOf(rows.kept.subarray(s * table.V, (s + 1) * table.V)) === 1);
}

// The probability of ending in each recurrent class.
function endsOf(table, rows, { recurrent }, start, found) {
  const classAt = new Int32Array(table.n).fill(-1);
  recurrent.forEach((states, index) => states.forEach((s) => (classAt[s] = index)));
  const ending = new Float64Array(recurrent.length);
  const stops = Uint8Array.from(classAt, (index) => (index >= 0 ? 1 : 0));
  const reached = reachedFrom(table, rows.kept, start, stops);
  const first = new Set();
  reached.forEach((isReached, s) => isReached && stops[s] && first.add(classAt[s]));
  if (first.size === 1) {
    ending[[...first][0]] = 1;
    return ending;
  }
  const live = reached.map((isReached, s) => isReached && !stops[s]);
  const { x } = noteSolved(found, stationaryOf(restartedChain(table, rows, live, certainly(table, start))));
  for (let s = 0; s < table.n; s++) {
    for (let a = 0; live[s] && a < table.V; a++) {
      const index = classAt[successorOf(table, s, a)];
      if (index >= 0) ending[index] += x[s] * rows.probs[s * table.V + a];
    }
  }
  scaleToOne(ending);
  return ending;
}

export function certainly(table, state) {
  const distribution = new Float64Array(table.n);
  distribution[state] = 1;
  return distribution;
}

// Bits per token in the long run x.
export function entropyRate(table, rows, x) {
  let nats = 0;
  for (let s = 0; s < table.n; s++) {
    if (x[s] > 0) nats += x[s] * entropyOf(rows.probs.subarray(s * table.V, (s + 1) * table.V));
  }
  return nats / Math.LN2;
}

// In nats. The one probability that may be above 3/4 is taken as the complement of the others: nothing cancels.
function entropyOf(row) {
  let own = 0;
  let others = 0;
  let hasLikely = false;
  for (let a = 0; a < row.length; a++) {
    if (row[a] > 0.75) {
      hasLikely = true;
    } else if (row[a] > 0) {
      own -= row[a] * Math.log(row[a]);
      others += row[a];
    }
  }
  return hasLikely ? own - (1 - others) * Math.log1p(-others) : own;
}
