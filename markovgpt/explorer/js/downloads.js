// What a reader takes away: the picture as SVG, the states as csv, the answers as a LaTeX table.
import { windowOf } from "./table.js";
import { numberRows } from "./panels.js";
import { digitsText, settingsInWords, shownTokens } from "./words.js";

// Offer a text as a file.
export function saveText(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// Every window with its probabilities and answers, one a line, for each model.
export function statesAsCsv(content, found) {
  const model = content.models[0];
  const columns = content.models.flatMap(({ name }) => [
    ...model.shown.map((token) => `P(${token}) ${name}`),
    `long run ${name}`,
    `P(red within n) ${name}`,
  ]);
  const lines = [["window", ...columns].map(csvCell).join(",")];
  const n = model.V ** model.L;
  for (let state = 0; state < n; state++) {
    const numbers = found.flatMap((one) => [
      ...one.probs.subarray(state * model.V, (state + 1) * model.V),
      one.longRun?.converged ? one.longRun.value[state] : "",
      one.reach[state],
    ]);
    lines.push([csvCell(shownTokens(model, windowOf(model, state))), ...numbers].join(","));
  }
  return lines.join("\r\n") + "\r\n";
}

// A text in quotes. One that a spreadsheet would take for a formula gets an apostrophe before it, as in Python's
// tables.
function csvCell(text) {
  const isLikeFormula = /^[=+\-@\t\r\n＝＋－＠']/.test(text);
  return `"${(isLikeFormula ? `'${text}` : text).replaceAll('"', '""')}"`;
}

// The table of answers, for booktabs.
export function answersAsLatex(content, asked, found) {
  const names = content.models.map((model) => latexText(model.name));
  const rows = numberRows(content, asked, found).map(
    ([name, ...cells]) => `${[latexText(name), ...cells.map(latexNumber)].join(" & ")} \\\\`,
  );
  const red = asked.red.map((tokens) => shownTokens(content.models[0], tokens)).join(" or ");
  return [
    `% ${latexText(`${settingsInWords(asked.settings)}; red: ${red}`)}`,
    `\\begin{tabular}{l${"r".repeat(names.length)}}`,
    "\\toprule",
    `${["", ...names].join(" & ")} \\\\`,
    "\\midrule",
    ...rows,
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

const LATEX_SIGNS = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  _: "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  '"': "\\textquotedbl{}",
  "\n": " ",
  "\r": " ",
  "␣": "\\textvisiblespace{}",
};

function latexText(text) {
  return [...text].map((sign) => LATEX_SIGNS[sign] ?? sign).join("");
}

function latexNumber({ value, converged = true }) {
  if (!converged) return "not converged";
  if (value === Infinity) return "$\\infty$";
  const digits = digitsText(value, 6);
  if (!digits.includes("×")) return digits;
  const [mantissa, power] = value.toExponential(5).split("e");
  return `$${mantissa} \\times 10^{${Number(power)}}$`;
}
