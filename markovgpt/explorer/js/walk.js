// The random walk: one sampled token a step. It writes its text and leaves a trail in the picture.
import { stateOf } from "./table.js";
import { sampleToken, walker } from "./walker.js";

const LONGEST_TRAIL = 24;
const LONGEST_TEXT = 2000; // tokens that stay written

// A walk from a start window, drawn with the numbers of a seed: the same seed walks the same way.
export function makeWalk(table, start, seed) {
  let numbers = walker(seed);
  const walk = { state: stateOf(table, start), trail: [], written: [], steps: 0 };

  // One step under the probabilities of the moment, which the sliders may have changed since the last one.
  walk.step = (probs) => {
    const row = probs.subarray(walk.state * table.V, (walk.state + 1) * table.V);
    const token = sampleToken(row, numbers.next());
    walk.state = (walk.state * table.V + token) % table.n;
    walk.trail = [...walk.trail, walk.state].slice(-LONGEST_TRAIL);
    walk.written = [...walk.written, token].slice(-LONGEST_TEXT);
    walk.steps += 1;
  };

  walk.reset = (newStart, newSeed) => {
    numbers = walker(newSeed);
    walk.state = stateOf(table, newStart);
    walk.trail = [walk.state];
    walk.written = [];
    walk.steps = 0;
  };

  walk.reset(start, seed);
  return walk;
}
