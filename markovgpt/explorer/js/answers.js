// What is asked about a model, as one answer: everything the pictures and panels need. Runs in the worker; no DOM here.
import { compareRows } from "./compare.js";
import { greedyMachine } from "./greedy.js";
import { entropyRate, longRun } from "./long_run.js";
import { expectedTime, reachWithin, redMask } from "./red.js";
import { rowsOf } from "./rows.js";
import { stateOf, tableOf, windowOf } from "./table.js";
import { likeliestWays } from "./ways.js";

export const MOST_LIVE_STATES = 5000; // above, long runs and times are Python's, at grid settings
const MOST_WAYS = 5;

// Answer one question about every model: {models: [...], moved: null | ...}.
// A question is {settings, red: [[tokens]], start: [tokens], horizon}.
export function answersOf(models, question) {
  const found = models.map((model) => answersOfOne(model, question));
  return { models: found, moved: found.length === 2 ? whatMoved(models[0], found[0], found[1]) : null };
}

function answersOfOne(model, question) {
  const table = tableWithRows(model);
  const rows = rowsOf(table, question.settings);
  const red = redMask(table, question.red);
  const hasRed = question.red.length > 0;
  const start = stateOf(table, question.start);
  const reach = reachWithin(table, rows, red, question.horizon);
  const found = { probs: rows.probs, kept: rows.kept, red, reach, reachFromStart: reach[start] };
  if (table.n > MOST_LIVE_STATES)
    return { ...found, longRun: null, expected: null, entropy: null, likeliest: null, atRed: null };
  const lived = longRun(table, rows, start);
  return {
    ...found,
    longRun: {
      value: lived.value,
      residual: lived.residual,
      converged: lived.converged,
      classes: lived.classes.recurrent.length,
    },
    expected: hasRed ? expectedTime(table, rows, red, start) : null,
    entropy: entropyRate(table, rows, lived.value),
    likeliest: lived.converged ? likeliestWindow(table, lived.value) : null,
    atRed: hasRed ? massOn(lived.value, red) : null,
  };
}

// The machine that each model is at temperature 0; it does not depend on what is chosen.
export function machinesOf(models) {
  return models.map((model) => greedyMachine(tableWithRows(model)));
}

// The likeliest ways from the start to red, for every model.
export function waysOf(models, question) {
  return models.map((model) => {
    const table = tableWithRows(model);
    const rows = rowsOf(table, question.settings);
    const red = redMask(table, question.red);
    return likeliestWays(table, rows, red, stateOf(table, question.start), question.horizon, MOST_WAYS);
  });
}

// Tables are decoded once and kept: millions of numbers take a while.
const tables = new Map();

function tableWithRows(model) {
  if (!tables.has(model)) tables.set(model, tableOf(model));
  return tables.get(model);
}

function likeliestWindow(table, shares) {
  let best = 0;
  for (let state = 1; state < table.n; state++) {
    if (shares[state] > shares[best]) best = state;
  }
  return { window: windowOf(table, best), share: shares[best] };
}

function massOn(shares, mask) {
  let sum = 0;
  for (let state = 0; state < shares.length; state++) {
    if (mask[state]) sum += shares[state];
  }
  return sum;
}

// From one model to the other: how far each row moved, and which moved most.
function whatMoved(model, before, after) {
  const table = tableWithRows(model);
  const isLive = after.longRun !== null;
  const shares = isLive ? after.longRun.value : new Float64Array(table.n);
  const { totalVariation, mean } = compareRows({ V: table.V, ...before }, after, shares);
  return { totalVariation, mean: isLive ? mean : null, rows: largest(totalVariation, 6) };
}

// The places of the largest numbers, the largest first.
function largest(numbers, count) {
  const best = [];
  for (let place = 0; place < numbers.length; place++) {
    if (best.length === count && numbers[place] <= numbers[best[count - 1]]) continue;
    best.push(place);
    best.sort((one, two) => numbers[two] - numbers[one] || one - two);
    best.length = Math.min(best.length, count);
  }
  return best;
}
