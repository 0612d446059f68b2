// Two checkpoints on the same states.
import { dotOf, sumOf } from "./arrays.js";

// How differently each window goes on: totalVariation[s] in 0..1, its mean under a distribution x of states, and how
// many transitions are possible only before or only after.
export function compareRows(before, after, x) {
  const { V } = before;
  const totalVariation = new Float64Array(before.probs.length / V);
  let lost = 0;
  let gained = 0;
  for (let i = 0; i < before.probs.length; i++) {
    totalVariation[Math.floor(i / V)] += Math.abs(before.probs[i] - after.probs[i]) / 2;
    if (before.kept[i] && !after.kept[i]) lost++;
    if (after.kept[i] && !before.kept[i]) gained++;
  }
  return { totalVariation, mean: dotOf(totalVariation, x), lost, gained };
}

// How much long-run mass has moved between two distributions: 0 for none, 1 for all.
export function movedMass(x, y) {
  return sumOf(x.map((mass, s) => Math.abs(mass - y[s]))) / 2;
}
