// The ways of a graph's arrows between its states, each found once.
import { bendAround, bendInward, bentWay, loopWay } from "./arrows.js";

export class GraphWays {
  // `around`: whether arrows keep off the states between. Where there are many states all bend inward instead: what is
  // outside is left to what the states are called.
  constructor(table, nodes, around) {
    this.table = table;
    this.nodes = nodes;
    this.around = around;
    this.ways = new Map();
    this.bends = new Map();
  }

  wayOf(source, target) {
    const key = source * this.table.n + target;
    if (!this.ways.has(key)) this.ways.set(key, this.newWay(this.nodes[source], this.nodes[target], source, target));
    return this.ways.get(key);
  }

  newWay(from, to, source, target) {
    return source === target ? loopWay(from, from.angle) : bentWay(from, to, this.bendOf(source, target));
  }

  // Of two arrows there and back, the one from the lower number is bent first.
  bendOf(source, target) {
    const key = source * this.table.n + target;
    if (!this.bends.has(key)) {
      const back = source > target && this.leadsBack(source, target) ? this.bendOf(target, source) : null;
      const bend = this.around
        ? bendAround(this.nodes, source, target, back)
        : bendInward(this.nodes[source], this.nodes[target]);
      this.bends.set(key, bend);
    }
    return this.bends.get(key);
  }

  // Whether some token leads from the target to the source: the newest tokens of the one are the oldest of the other.
  leadsBack(source, target) {
    const { n, V } = this.table;
    return Math.floor(source / V) === target % (n / V);
  }
}
