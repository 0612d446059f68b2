// What all pictures share: SVG elements, texts of numbers, colours of tokens and of values.
//
// Colours are set as attributes, never as styles: the page's security policy forbids styles from scripts in markup,
// and a picture that is saved by itself has no stylesheet.

const SVG_SPACE = "http://www.w3.org/2000/svg";
export const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
const THEMES = {
  light: {
    ground: "#ffffff",
    ink: "#1b1f24",
    quiet: "#5c6570",
    line: "#c9d0d8",
    node: "#f3f6fa",
    pick: "#0b57d0",
    walk: "#e08a00",
    red: "#c62828",
  },
  dark: {
    ground: "#14181d",
    ink: "#e8ebef",
    quiet: "#a3adb8",
    line: "#46505c",
    node: "#232b34",
    pick: "#8ab4ff",
    walk: "#ffb938",
    red: "#ff7b72",
  },
};

// Okabe and Ito's colours, told apart by the colour-blind too; lighter ones for a dark ground.
const TOKEN_COLOURS = {
  light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"],
  dark: ["#58B2EE", "#FF8A45", "#35C79D", "#E8A5CA", "#9AD5F7", "#F3C04D"],
};
const TOKEN_DASHES = [[], [4, 1.5], [1.2, 1.2], [5, 1.2, 1.2, 1.2]];

export function themeOf(dark) {
  return dark ? THEMES.dark : THEMES.light;
}

// The colour and the dashes of a token's arrows, so that tokens differ without colour too; grey from the 25th on.
export function tokenLook(token, dark) {
  const colours = dark ? TOKEN_COLOURS.dark : TOKEN_COLOURS.light;
  if (token >= colours.length * TOKEN_DASHES.length) return { colour: themeOf(dark).quiet, dashes: [] };
  const round = Math.floor(token / colours.length);
  return { colour: colours[token % colours.length], dashes: TOKEN_DASHES[(round + token) % TOKEN_DASHES.length] };
}

export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

export function svgElement(name, attributes = {}, children = []) {
  const element = document.createElementNS(SVG_SPACE, name);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

// Text that is put in as text, never as markup: tokens may hold anything.
export function svgText(text, x, y, size, attributes = {}) {
  const element = svgElement("text", { x, y, "font-size": size, "font-family": FONT, ...attributes });
  element.textContent = text;
  return element;
}

// Letters with a rim in the colour of the ground, legible on top of lines and coloured cells.
export function outlined(colour, width = 3) {
  return { stroke: colour, "stroke-width": width, "stroke-linejoin": "round", "paint-order": "stroke" };
}

const widthContext = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");

export function textWidth(text, size) {
  widthContext.font = `${size}px ${FONT}`;
  return widthContext.measureText(text).width;
}

// A text cut so that it is no wider than some room, an ellipsis in place of its end (or of its beginning).
export function fittedText(text, room, size, keepEnd = false) {
  if (textWidth(text, size) <= room) return text;
  const characters = Array.from(text);
  while (characters.length > 1) {
    if (keepEnd) characters.shift();
    else characters.pop();
    const shorter = keepEnd ? `…${characters.join("")}` : `${characters.join("")}…`;
    if (textWidth(shorter, size) <= room) return shorter;
  }
  return characters.join("");
}

// A probability in whole percent, a smaller one in one digit; 0% and 100% are left to the impossible and the sure.
// `possible` tells an impossible step from one whose probability is too small for a double.
export function percentText(probability, possible = false) {
  if (probability === 0) return possible ? "<1e-307" : "0%";
  if (probability < 0.95e-4) return powerText(probability);
  if (probability < 0.0095) return `${Number((100 * probability).toPrecision(1))}%`;
  if (probability >= 0.995 && probability < 1) return ">99%";
  return `${(100 * probability).toFixed(0)}%`;
}

function powerText(number) {
  const exponent = Math.floor(Math.log10(number));
  const digit = Math.round(number / 10 ** exponent);
  return digit === 10 ? `1e${exponent + 1}` : `${digit}e${exponent}`;
}

// A value in three digits, as a tooltip says it.
export function valueText(value) {
  if (Number.isNaN(value)) return "unknown";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "impossible";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return Number(value.toPrecision(3)).toExponential();
  return String(Number(value.toPrecision(3)));
}

// The svg as a file that stands by itself, on a ground of its own.
export function standAloneSvg(svg, ground) {
  const copy = svg.cloneNode(true);
  const { width, height } = svg.viewBox.baseVal;
  setAttributes(copy, { xmlns: SVG_SPACE, width, height });
  copy.removeAttribute("class");
  copy.prepend(svgElement("rect", { width, height, fill: ground }));
  return new XMLSerializer().serializeToString(copy);
}

// Narrower, nothing can be read: an element that is hidden, or about to be shown.
const LEAST_WIDTH = 200;

// The width of an element in whole pixels, as pictures use it.
export function widthOf(element) {
  return Math.max(LEAST_WIDTH, Math.floor(element.clientWidth) || 640);
}

// Calls `redraw` with the width of an element whenever that changes; returns how to stop it.
export function watchWidth(element, redraw) {
  let last = -1;
  const observer = new ResizeObserver(() => {
    const width = Math.floor(element.clientWidth);
    if (width >= LEAST_WIDTH && width !== last) {
      last = width;
      redraw(width);
    }
  });
  observer.observe(element);
  return () => observer.disconnect();
}
