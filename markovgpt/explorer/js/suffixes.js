// The windows merged by their newest tokens, as a tree: what each suffix weighs, and what follows it.
//
// A suffix opens into those that are one token older, down to the windows themselves. Up and Down go from row to row,
// Right opens, Left closes or goes to the parent, Enter opens or closes, and picks a window.
import { fittedText, percentText, setAttributes, standAloneSvg, svgElement, svgText } from "./drawing.js";
import { textWidth, themeOf, watchWidth, widthOf } from "./drawing.js";
import { walkerMark } from "./graph_nodes.js";
import { meanNext, suffixKey, suffixRows, suffixSums, suffixTokens } from "./suffix_rows.js";

const ROW_HEIGHT = 26;
const HEAD_HEIGHT = 30;
const INDENT = 18;
// Below this width, what follows has no column of its own.
const LEAST_WIDE = 560;
const MOST_NEXT = 6;
const TRIANGLES = { open: "M0 -3H9L4.5 4Z", closed: "M1 -5L8 0L1 5Z" };

// `view.mass` is what suffixes are weighed by: the share of each window in the long run, null where it is not known.
export function makeSuffixes(parent, table, options) {
  return new SuffixPicture(parent, table, options);
}

class SuffixPicture {
  constructor(parent, table, { onPick } = {}) {
    this.table = table;
    this.onPick = onPick || (() => {});
    this.open = new Set([suffixKey(0, 0)]);
    this.whole = new Set();
    this.current = suffixKey(0, 0);
    this.view = null;
    this.element = document.createElement("div");
    this.element.className = "explorer-suffixes";
    const name = "Windows merged by their newest tokens";
    this.svg = svgElement("svg", { width: "100%", role: "tree", "aria-label": name });
    this.element.append(this.svg);
    parent.append(this.element);
    this.unwatch = watchWidth(this.element, (width) => this.fitTo(width));
  }

  update(view) {
    this.view = view;
    this.weigh();
    this.draw();
  }

  fitTo(width) {
    if (this.view && this.width !== width) this.draw();
  }

  // What windows weigh: their share of the long run, else all alike. The colour has no part in it: numbers of loops, or
  // probabilities of different starts, make no sum.
  weigh() {
    const { view, table } = this;
    this.weights = view.mass ?? new Float64Array(table.n).fill(1);
    this.weighedBy = view.mass ? "long-run mass" : "share of windows";
    this.sums = suffixSums(table, this.weights);
    this.redSums = suffixSums(table, view.red);
  }

  draw() {
    const hadFocus = this.svg.contains(document.activeElement);
    this.width = widthOf(this.element);
    this.theme = themeOf(this.view.dark);
    this.rows = suffixRows(this.table, this.sums, this.open, this.whole);
    if (!this.rows.some(({ key }) => key === this.current)) this.current = this.rows[0].key;
    this.columns = this.columnsOf();
    const topOf = (index) => HEAD_HEIGHT + index * ROW_HEIGHT;
    this.groups = new Map(this.rows.map((row, index) => [row.key, this.rowGroup(row, topOf(index))]));
    this.svg.replaceChildren(this.head(), ...this.groups.values());
    const height = HEAD_HEIGHT + this.rows.length * ROW_HEIGHT + 4;
    setAttributes(this.svg, { viewBox: `0 0 ${this.width} ${height}` });
    if (hadFocus) this.groups.get(this.current).focus();
  }

  // Where the columns begin: the names, the bars, the numbers, and what follows.
  columnsOf() {
    const longest = Math.max(...this.rows.map((row) => this.nameLeft(row) + textWidth(this.nameOf(row), 14)));
    const bars = Math.min(longest + 22, 0.5 * this.width);
    const wide = this.width >= LEAST_WIDE;
    const barRoom = wide ? 0.42 * (this.width - bars) - 60 : this.width - bars - 64;
    return { bars, barRoom, numbers: bars + barRoom + 8, next: wide ? bars + barRoom + 72 : null };
  }

  nameLeft({ depth }) {
    return 24 + depth * INDENT;
  }

  nameOf({ depth, code, more }) {
    if (more) return `${more} more`;
    if (depth === 0) return "all windows";
    const text = suffixTokens(this.table, depth, code)
      .map((token) => this.view.shown[token])
      .join("");
    return depth < this.table.L ? `…${text}` : text;
  }

  head() {
    const { theme, columns } = this;
    const style = { fill: theme.quiet };
    const weighed = fittedText(`${this.weighedBy}; bar: part of its parent's`, columns.barRoom + 52, 12);
    const parts = [
      svgText("newest tokens", 8, 18, 12, style),
      svgText(weighed, columns.bars, 18, 12, style),
      svgElement("path", { d: `M0 26H${this.width}`, stroke: theme.line }),
    ];
    if (columns.next !== null) parts.push(svgText("what follows", columns.next, 18, 12, style));
    return svgElement("g", {}, parts);
  }

  rowGroup(row, top) {
    const middle = top + ROW_HEIGHT / 2;
    const group = svgElement("g", {
      role: "treeitem",
      "aria-level": row.depth + 1,
      "aria-label": this.wordsOf(row),
      cursor: "pointer",
      tabindex: row.key === this.current ? 0 : -1,
    });
    if (!row.leaf && !row.more) group.setAttribute("aria-expanded", row.opened);
    group.style.outline = "none";
    const ground = svgElement("rect", { x: 1.5, y: top + 1, width: this.width - 3, height: ROW_HEIGHT - 2, rx: 4 });
    this.paintGround(ground, row, false);
    group.append(ground, ...this.rowMarks(row, middle), ...this.rowNumbers(row, middle));
    group.addEventListener("click", () => this.activate(row));
    group.addEventListener("keydown", (event) => this.rowKey(row, event));
    group.addEventListener("focus", () => this.paintGround(ground, row, true));
    group.addEventListener("blur", () => this.paintGround(ground, row, false));
    return group;
  }

  // Framed where the focus is, tinted where the picked window is.
  paintGround(ground, row, focused) {
    const { theme, view } = this;
    const picked = view.picked !== null && this.holds(row, view.picked);
    setAttributes(ground, {
      fill: picked ? theme.pick : theme.node,
      "fill-opacity": picked ? 0.16 : row.depth === 0 ? 1 : 0,
      stroke: theme.pick,
      "stroke-width": focused ? 2 : 0,
      "pointer-events": "all",
    });
  }

  // Whether a window has a suffix.
  holds({ depth, code, more }, state) {
    return !more && state % this.table.V ** depth === code;
  }

  rowMarks(row, middle) {
    const { theme, view } = this;
    const left = this.nameLeft(row);
    const name = fittedText(this.nameOf(row), this.columns.bars - left - 16, 14);
    const strong = { fill: row.more ? theme.quiet : theme.ink, "font-weight": this.holds(row, view.start) ? 700 : 400 };
    const parts = [svgText(name, left, middle + 5, 14, strong)];
    if (!row.leaf && !row.more) {
      const d = row.opened ? TRIANGLES.open : TRIANGLES.closed;
      parts.push(svgElement("path", { d, fill: theme.quiet, transform: `translate(${left - 15} ${middle})` }));
    }
    const trail = view.trail || [];
    if (trail.length && this.holds(row, trail[trail.length - 1])) {
      parts.push(walkerMark([this.columns.bars - 7, middle], 5, theme));
    }
    return parts;
  }

  rowNumbers(row, middle) {
    const { theme, columns } = this;
    const bar = { y: middle - 7, height: 14, rx: 2, x: columns.bars };
    const share = this.sums[0][0] > 0 ? row.mass / this.sums[0][0] : 0;
    const parts = [svgText(percentText(share), columns.numbers, middle + 5, 13, { fill: theme.ink })];
    if (row.more) return parts;
    parts.push(svgElement("rect", { ...bar, width: columns.barRoom, fill: theme.line, opacity: 0.35 }));
    const width = Math.max(row.mass > 0 ? 1 : 0, row.part * columns.barRoom);
    parts.push(svgElement("rect", { ...bar, width, fill: theme.pick }));
    parts.push(...this.redFrame(row, bar));
    if (columns.next !== null) {
      const text = fittedText(this.nextText(row), this.width - columns.next - 8, 13);
      parts.push(svgText(text, columns.next, middle + 5, 13, { fill: theme.ink }));
    }
    return parts;
  }

  // All of a suffix's windows are red: a double frame around its bar; some of them: a single, dashed one.
  redFrame(row, { x, y, height }) {
    const { whole, some } = this.redness(row);
    if (!some) return [];
    const width = this.columns.barRoom;
    const line = { fill: "none", stroke: this.theme.red };
    const outer = svgElement("rect", { x: x - 2, y: y - 2, width: width + 4, height: height + 4, rx: 3, ...line });
    if (!whole) {
      setAttributes(outer, { "stroke-dasharray": "4 3" });
      return [outer];
    }
    return [outer, svgElement("rect", { x: x + 1, y: y + 1, width: width - 2, height: height - 2, ...line })];
  }

  redness({ depth, code }) {
    const red = this.redSums[depth][code];
    return { whole: red === this.table.n / this.table.V ** depth, some: red > 0 };
  }

  nextText({ depth, code }) {
    const next = meanNext(this.table, this.view.probs, this.weights, depth, code);
    if (next === null) return "never there";
    const tokens = Array.from(next.keys()).filter((token) => next[token] > 0);
    tokens.sort((one, other) => next[other] - next[one]);
    const said = tokens.slice(0, MOST_NEXT).map((token) => `${this.view.shown[token]}(${percentText(next[token])})`);
    return tokens.length > MOST_NEXT ? `${said.join(" ")} …` : said.join(" ");
  }

  wordsOf(row) {
    const share = percentText(this.sums[0][0] > 0 ? row.mass / this.sums[0][0] : 0);
    if (row.more) return `${row.more} more, together ${this.weighedBy} ${share}`;
    const { whole, some } = this.redness(row);
    const red = whole ? ", red" : some ? ", some red" : "";
    return `${this.nameOf(row)}, ${this.weighedBy} ${share}${red}. Next: ${this.nextText(row)}`;
  }

  activate(row) {
    this.current = row.key;
    if (row.leaf) this.onPick(row.code);
    else if (row.more) this.whole.add(row.parent);
    else this.toggle(row, !row.opened);
    this.draw();
    this.groups.get(this.current).focus();
  }

  toggle({ key }, opened) {
    if (opened) this.open.add(key);
    else this.open.delete(key);
  }

  rowKey(row, event) {
    const index = this.rows.indexOf(row);
    const last = this.rows.length - 1;
    const closed = !row.leaf && !row.more && !row.opened;
    if (event.key === "Enter") this.activate(row);
    else if (event.key === "ArrowDown") this.goTo(this.rows[Math.min(last, index + 1)].key);
    else if (event.key === "ArrowUp") this.goTo(this.rows[Math.max(0, index - 1)].key);
    else if (event.key === "Home") this.goTo(this.rows[0].key);
    else if (event.key === "End") this.goTo(this.rows[last].key);
    else if (event.key === "ArrowRight" && closed) this.activate(row);
    else if (event.key === "ArrowRight" && row.opened) this.goTo(this.rows[index + 1].key);
    else if (event.key === "ArrowLeft" && row.opened) this.activate(row);
    else if (event.key === "ArrowLeft" && row.parent !== null) this.goTo(row.parent);
    else return;
    event.preventDefault();
  }

  goTo(key) {
    setAttributes(this.groups.get(this.current), { tabindex: -1 });
    this.current = key;
    setAttributes(this.groups.get(key), { tabindex: 0 });
    this.groups.get(key).focus();
  }

  toSVG() {
    return standAloneSvg(this.svg, this.theme.ground);
  }

  destroy() {
    this.unwatch();
    this.element.remove();
  }
}
