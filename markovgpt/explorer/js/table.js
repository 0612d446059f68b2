// The numbers of the page: rows under sampling settings, classes, the long run, red, temperature zero, a walk.
// No document in here: the same file runs in the page and in its worker.
//
// A state is a window of exactly L tokens read as a number in base V, oldest token first. Token a leads from state s
// to (s * V + a) % n, n = V**L. So a table of probabilities, probs[s * V + a], is the whole transition matrix.
//
// Zero means impossible, and `kept` alone says what is possible. Solvers only add, multiply and divide numbers that
// are not negative: nothing cancels, and every entry keeps its digits. Where a solver did not get there, or numbers
// left the range of doubles, its answer says so: `converged` is false.
import { numbersOf } from "./letters.js";

// The embedded model with its logits decoded; `logits` is null where none are embedded.
export function tableOf(model) {
  const { V, L, name, shown, spelt } = model;
  return { V, L, n: V ** L, logits: model.logits && numbersOf(model.logits), name, shown, spelt };
}

export function stateOf(table, tokens) {
  return tokens.reduce((state, token) => state * table.V + token, 0);
}

export function windowOf(table, state) {
  const tokens = new Array(table.L);
  for (let place = table.L - 1; place >= 0; place--) {
    tokens[place] = state % table.V;
    state = Math.floor(state / table.V);
  }
  return tokens;
}

export function successorOf(table, state, token) {
  return (state * table.V + token) % table.n;
}
