// The panels beside the picture: answers with their residuals, what moved, the next token, ways to red, loops.
import { makeBar, makeElement, makeTable, placeNamed } from "./elements.js";
import { windowOf } from "./table.js";
import { asPercent, countWords, digitsText, settingsInWords, shownTokens } from "./words.js";

const MOST_BARS = 30;
const MOST_LOOPS_SHOWN = 8;
const LONGEST_LOOP = 40; // tokens of it that are written

// Answers of every model, a column each; below them what Python certified, if it was asked the same.
export function showNumbers(content, asked, found, certified) {
  const headings = ["", ...content.models.map((model) => model.name)];
  const rows = numberRows(content, asked, found).map(([name, ...cells]) => [name, ...cells.map(withResidual)]);
  const parts = [makeTable("In numbers", headings, rows)];
  if (certified.some((nearest) => nearest !== null)) parts.push(...certifiedParts(content, asked, certified));
  placeNamed("numbers").replaceChildren(...parts);
}

// The rows of the table of answers: a name, then {value, residual, converged} for each model. LaTeX is made of it too.
export function numberRows(content, asked, found) {
  const row = (name, cell) => [name, ...found.map(cell)];
  const rows = [];
  if (asked.red.length > 0) {
    const start = shownTokens(content.models[0], asked.start);
    rows.push(row(`P(red within ${asked.horizon} from ${start})`, (one) => ({ value: one.reachFromStart })));
    if (found.every((one) => one.expected !== null)) {
      rows.push(row(`Expected tokens until red from ${start}`, (one) => one.expected));
      rows.push(row("Share of the long run on red", (one) => ({ ...solved(one), value: one.atRed })));
    }
  }
  if (found.every((one) => one.longRun !== null)) {
    rows.push(row("Entropy rate, bits a token", (one) => ({ ...solved(one), value: one.entropy })));
  }
  return rows;
}

// How well the long run was solved, which what is taken from it inherits.
function solved({ longRun }) {
  return { residual: longRun.residual, converged: longRun.converged };
}

// A number, and below it how well its equations hold; a product of n steps has nothing to solve.
function withResidual({ value, residual, converged }) {
  const cell = makeElement("span", { class: "number", title: String(value) }, digitsText(value, 6));
  if (residual === undefined) return cell;
  const words = converged
    ? `residual ${digitsText(residual, 1)}`
    : `not converged, residual ${digitsText(residual, 1)}`;
  return makeElement("span", {}, cell, makeElement("small", converged ? {} : { class: "problem" }, words));
}

const CERTIFIED_NAMES = {
  reach: "P(red within n)",
  expected: "Expected tokens until red",
  entropy: "Entropy rate, bits a token",
};

function certifiedParts(content, asked, certified) {
  const first = certified.find((nearest) => nearest !== null);
  const isFitting = (name) => (name === "entropy" ? first.isSameStart : first.isSameQuestion);
  const names = Object.keys(first.entry.answers).filter(isFitting);
  if (names.length === 0) return [];
  const rows = names.map((name) => [
    CERTIFIED_NAMES[name],
    ...certified.map((nearest) => (nearest === null ? "" : (nearest.entry.answers[name] ?? ""))),
  ]);
  const where = `Certified by Python at ${settingsInWords(first.entry.settings)}: every digit is proved.`;
  const nearest = first.isExact ? "" : " That is the nearest temperature it was asked about.";
  const table = makeTable("Certified by Python", ["", ...content.models.map((model) => model.name)], rows);
  return [makeElement("p", { class: "hint" }, where + nearest), makeElement("div", { class: "certified" }, table)];
}

// How far the rows of two models are apart.
export function showMoved(content, moved) {
  placeNamed("moved-panel").hidden = moved === null;
  if (moved === null) return;
  const model = content.models[0];
  const rows = moved.rows.map((state) => [
    shownTokens(model, windowOf(model, state)),
    makeElement(
      "span",
      { class: "barred" },
      digitsText(moved.totalVariation[state]),
      makeBar(moved.totalVariation[state]),
    ),
  ]);
  const mean =
    moved.mean === null ? "" : ` On average over the long run of ${content.models[1].name}: ${digitsText(moved.mean)}.`;
  placeNamed("moved").replaceChildren(
    makeElement(
      "p",
      { class: "hint" },
      `The part of the next token's probability that is elsewhere: 0 is nothing, 1 is all.${mean}`,
    ),
    makeTable("What moved", ["window", "moved"], rows),
  );
}

// The next token's probabilities after one window, in each model.
export function showNext(content, state, found) {
  const model = content.models[0];
  const title = `After ${shownTokens(model, windowOf(model, state))}`;
  placeNamed("next-title").textContent = title;
  const place = state * model.V;
  const rowOf = (one, token) => one.probs[place + token];
  const last = found[found.length - 1];
  const tokens = [...model.shown.keys()].sort((one, two) => rowOf(last, two) - rowOf(last, one) || one - two);
  const rows = tokens
    .slice(0, MOST_BARS)
    .map((token) => [
      model.shown[token],
      ...found.map((one) => {
        const percent = asPercent(rowOf(one, token), one.kept[place + token] === 1);
        return makeElement("span", { class: "barred" }, percent, makeBar(rowOf(one, token)));
      }),
    ]);
  const headings = ["token", ...content.models.map((each) => each.name)];
  const more =
    tokens.length > MOST_BARS
      ? [makeElement("p", { class: "hint" }, `and ${tokens.length - MOST_BARS} less likely tokens`)]
      : [];
  placeNamed("next").replaceChildren(makeTable(title, headings, rows), ...more);
}

// The likeliest texts from the start to red, in each model.
export function showWays(content, asked, ways) {
  const place = placeNamed("ways");
  if (asked.red.length === 0) {
    place.replaceChildren(makeElement("p", { class: "hint" }, "Nothing is red: write a text into the red field."));
    return;
  }
  const parts = ways.flatMap((found, index) => waysOfOne(content.models[index], asked, found, ways.length > 1));
  place.replaceChildren(...parts);
}

function waysOfOne(model, asked, found, isNamed) {
  const heading = isNamed ? [makeElement("h3", {}, model.name)] : [];
  if (found.length === 0) {
    return [
      ...heading,
      makeElement("p", { class: "hint" }, `Red cannot come within ${countWords(asked.horizon, "token")}.`),
    ];
  }
  const start = shownTokens(model, asked.start);
  const rows = found.map(({ tokens, probability }) => [
    `${start}→${shownTokens(model, tokens)}`,
    digitsText(probability),
  ]);
  return [...heading, makeTable(`Likeliest ways to red, ${model.name}`, ["text", "probability"], rows)];
}

// The loops that each model ends in at temperature 0, and how many windows lead to each.
export function showCycles(content, machines) {
  const parts = machines.flatMap((machine, index) => cyclesOfOne(content.models[index], machine, machines.length > 1));
  placeNamed("cycles").replaceChildren(...parts);
}

function cyclesOfOne(model, machine, isNamed) {
  const sizes = basinSizes(machine);
  const order = [...machine.cycles.keys()].sort((one, two) => sizes[two] - sizes[one]);
  const rows = order.slice(0, MOST_LOOPS_SHOWN).map((index) => {
    const said = machine.cycles[index].map((state) => state % model.V); // its newest token
    return [
      `${shownTokens(model, said.slice(0, LONGEST_LOOP))} …`,
      countWords(said.length, "token"),
      countWords(sizes[index], "window"),
    ];
  });
  const heading = isNamed ? [makeElement("h3", {}, model.name)] : [];
  const more =
    order.length > MOST_LOOPS_SHOWN
      ? [makeElement("p", { class: "hint" }, `and ${countWords(order.length - MOST_LOOPS_SHOWN, "other loop")}`)]
      : [];
  const headings = ["says for ever", "length", "led there from"];
  return [...heading, makeTable(`At temperature 0, ${model.name}`, headings, rows), ...more];
}

function basinSizes(machine) {
  const sizes = new Array(machine.cycles.length).fill(0);
  for (const cycle of machine.basin) sizes[cycle] += 1;
  return sizes;
}
