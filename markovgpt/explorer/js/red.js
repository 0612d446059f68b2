// Red.
import { dotOf } from "./arrays.js";
import { reachedFrom, reaching } from "./classes.js";
import { certainly } from "./long_run.js";
import { pull } from "./products.js";
import { restartedChain, stationaryOf } from "./stationary.js";
import { stateOf } from "./table.js";

// 1 for each window that ends with one of the patterns.
export function redMask(table, patterns) {
  const mask = new Uint8Array(table.n);
  for (const pattern of patterns) {
    const spacing = table.V ** pattern.length;
    for (let s = stateOf(table, pattern); s < table.n; s += spacing) mask[s] = 1;
  }
  return mask;
}

// P(red within n tokens) from every start; 1 where the start is red. A step that changes nothing ends it: none after it
// would change anything.
export function reachWithin(table, rows, red, n) {
  let chance = Float64Array.from(red);
  let further = new Float64Array(table.n);
  let isMoving = true;
  for (let step = 0; step < n && isMoving; step++) {
    pull(table, rows.probs, chance, further);
    for (let s = 0; s < table.n; s++) if (red[s]) further[s] = 1;
    isMoving = further.some((p, s) => p !== chance[s]);
    [chance, further] = [further, chance];
  }
  return chance;
}

// Expected tokens until red: 0 where the start is red, Infinity where it may never come.
// From the chain that is restarted at the start whenever red is reached: 1 / (its rate of red), without a subtraction.
export function expectedTime(table, rows, red, start) {
  const exact = { residual: 0, cycles: 0, converged: true };
  if (red[start]) return { value: 0, ...exact };
  const reached = reachedFrom(table, rows.kept, start, red);
  const reaches = reaching(table, rows.kept, red);
  if (reached.some((isReached, s) => isReached && !reaches[s])) return { value: Infinity, ...exact };
  const live = reached.map((isReached, s) => isReached && !red[s]);
  const chain = restartedChain(table, rows, live, certainly(table, start));
  const { x, residual, cycles, converged } = stationaryOf(chain);
  const value = 1 / dotOf(x, chain.exits);
  return { value, residual, cycles, converged: converged && Number.isFinite(value) };
}
