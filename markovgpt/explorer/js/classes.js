// Classes.
import { successorOf } from "./table.js";

// The communicating classes of what is possible: classOf[s]; and `recurrent`, those that are never left, each an
// ascending list of states, ordered by their lowest.
export function classesOf(table, kept) {
  const { classOf, count } = strongComponents(table, kept);
  const isLeft = new Uint8Array(count);
  const { V, n } = table;
  for (let s = 0; s < n; s++) {
    for (let a = 0; a < V; a++) {
      if (kept[s * V + a] && classOf[successorOf(table, s, a)] !== classOf[s]) isLeft[classOf[s]] = 1;
    }
  }
  const members = new Map();
  for (let s = 0; s < n; s++) {
    if (isLeft[classOf[s]]) continue;
    if (!members.has(classOf[s])) members.set(classOf[s], []);
    members.get(classOf[s]).push(s);
  }
  return { classOf, count, recurrent: [...members.values()] };
}

// Tarjan's algorithm (SIAM J. Comput. 1 (1972) 146-160), with a stack of its own in place of recursion.
function strongComponents(table, kept) {
  const { V, n } = table;
  const classOf = new Int32Array(n).fill(-1);
  const entered = new Int32Array(n).fill(-1);
  const lowest = new Int32Array(n);
  const nextToken = new Int32Array(n);
  const path = [];
  const open = [];
  let clock = 0;
  let count = 0;
  function enter(s) {
    entered[s] = lowest[s] = clock++;
    path.push(s);
    open.push(s);
  }
  function leave(s) {
    path.pop();
    if (path.length > 0) lowest[path.at(-1)] = Math.min(lowest[path.at(-1)], lowest[s]);
    if (lowest[s] !== entered[s]) return;
    let member;
    do {
      member = open.pop();
      classOf[member] = count;
    } while (member !== s);
    count++;
  }
  for (let root = 0; root < n; root++) {
    if (entered[root] < 0) enter(root);
    while (path.length > 0) {
      const s = path.at(-1);
      if (nextToken[s] === V) {
        leave(s);
        continue;
      }
      const a = nextToken[s]++;
      if (!kept[s * V + a]) continue;
      const after = successorOf(table, s, a);
      if (entered[after] < 0) enter(after);
      else if (classOf[after] < 0) lowest[s] = Math.min(lowest[s], entered[after]);
    }
  }
  return { classOf, count };
}

// Which states can be reached from a start without going on from a state where `stops` is 1; 1 or 0 each.
export function reachedFrom(table, kept, start, stops) {
  const reached = new Uint8Array(table.n);
  reached[start] = 1;
  const waiting = [start];
  while (waiting.length > 0) {
    const s = waiting.pop();
    if (stops[s]) continue;
    for (let a = 0; a < table.V; a++) {
      const after = successorOf(table, s, a);
      if (kept[s * table.V + a] && !reached[after]) {
        reached[after] = 1;
        waiting.push(after);
      }
    }
  }
  return reached;
}

// Which states can reach one where `target` is 1; 1 or 0 each.
export function reaching(table, kept, target) {
  const { V, n } = table;
  const reaches = Uint8Array.from(target);
  const waiting = [];
  for (let s = 0; s < n; s++) if (reaches[s]) waiting.push(s);
  while (waiting.length > 0) {
    const state = waiting.pop();
    const newest = state % V;
    // what leads here: any oldest token before all but the newest one
    for (let before = Math.floor(state / V); before < n; before += n / V) {
      if (kept[before * V + newest] && !reaches[before]) {
        reaches[before] = 1;
        waiting.push(before);
      }
    }
  }
  return reaches;
}
