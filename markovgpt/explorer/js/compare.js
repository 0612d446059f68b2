// Two checkpoints on the same states.
import { dotOf } from "./arrays.js";

// How differently each window goes on: totalVariation[s] in 0..1, and its mean under a distribution x of states.
export function compareRows(before, after, x) {
  const { V } = before;
  const totalVariation = new Float64Array(before.probs.length / V);
  for (let i = 0; i < before.probs.length; i++) {
    totalVariation[Math.floor(i / V)] += Math.abs(before.probs[i] - after.probs[i]) / 2;
  }
  return { totalVariation, mean: dotOf(totalVariation, x) };
}
