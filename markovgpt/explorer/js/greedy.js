// One successor each: what is left at temperature zero.
import { successorOf } from "./table.js";

// The machine of largest logits: next[s], the cycles (in running order from their lowest state, ordered by it), and
// basin[s] (the cycle that s leads into).
export function greedyMachine(table) {
  const next = new Int32Array(table.n);
  for (let s = 0; s < table.n; s++) {
    const row = table.logits.subarray(s * table.V, (s + 1) * table.V);
    let token = 0;
    for (let a = 1; a < table.V; a++) if (row[a] > row[token]) token = a;
    next[s] = successorOf(table, s, token);
  }
  const { cycles, basin } = functionalGraph(next);
  return { next, cycles, basin };
}

// successor[s], -1 where it leads out: `order` has the states on no cycle (nTrees of them), each before its
// successor; basin[s] is the cycle that s leads into, -1 out.
export function functionalGraph(successor) {
  const n = successor.length;
  const entered = new Int32Array(n);
  for (let s = 0; s < n; s++) if (successor[s] >= 0) entered[successor[s]]++;
  const order = [];
  for (let s = 0; s < n; s++) if (entered[s] === 0) order.push(s);
  // a state is behind all that lead to it: only cycles are never taken
  for (let place = 0; place < order.length; place++) {
    const after = successor[order[place]];
    if (after >= 0 && --entered[after] === 0) order.push(after);
  }
  const basin = new Int32Array(n).fill(-1);
  const cycles = [];
  for (let s = 0; s < n; s++) {
    if (entered[s] === 0 || basin[s] >= 0) continue;
    const cycle = [];
    for (let state = s; basin[state] < 0; state = successor[state]) {
      basin[state] = cycles.length;
      cycle.push(state);
    }
    cycles.push(cycle);
  }
  for (let place = order.length - 1; place >= 0; place--) {
    const after = successor[order[place]];
    if (after >= 0) basin[order[place]] = basin[after];
  }
  return { successor, order, nTrees: order.length, cycles, basin };
}
