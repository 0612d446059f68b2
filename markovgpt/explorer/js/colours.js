// Values as colours: cividis, which looks alike to the colour-blind; coolwarm where there are both signs.
import { svgElement, svgText, textWidth, themeOf, valueText } from "./drawing.js";

// Every fifth of the 256 colours of matplotlib's cividis, every fifteenth of its coolwarm.
const CIVIDIS = colourTable(
  "00224d 002655 00295e 002c67 003070 083370 16366f 1f3a6e 273d6d 2e416c 34446c 39486c 3f4b6b 444f6b 49526b 4e566c " +
    "52596c 575d6d 5b606e 60646e 64676f 686b71 6d6e72 717273 757575 797977 7e7d78 838078 878478 8c8878 918c77 968f77 " +
    "9b9376 a09775 a59b73 aa9f72 afa370 b4a76f b9ab6d beb06a c4b468 c9b865 cebc62 d4c15e d9c55a dfca56 e4ce51 ead34c " +
    "efd846 f5dc3f fbe136 fde737",
);
const COOLWARM = colourTable(
  "3a4cc0 4c66d6 5f7ee7 7395f4 87aafc 9cbcfe b0cbfb c3d5f2 d5dbe5 e4d8d1 efcdbb f6bda4 f6aa8c f29375 e9795e db5c4a " +
    "c93b37 b30326",
);
const INFINITE_COLOUR = [0, 0, 0];

// 256 colours between some that are given, as [red, green, blue].
function colourTable(given) {
  const fixed = given.split(" ").map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, index) => {
    const place = (index / 255) * (fixed.length - 1);
    const before = Math.min(Math.floor(place), fixed.length - 2);
    return fixed[before].map((one, part) => Math.round(one + (place - before) * (fixed[before + 1][part] - one)));
  });
}

// Which colour each value gets, from the smallest to the largest: by its decimal logarithm if `log`, and then 0 is
// impossible. Values of both signs are coloured evenly on both sides of 0. Without a value, nothing is coloured.
export function valueScale(values, log) {
  const scale = { log, low: Infinity, high: -Infinity, empty: true, impossible: false, infinite: false };
  for (const value of values || []) {
    const number = log ? Math.log10(value) : value;
    if (Number.isFinite(number)) {
      scale.low = Math.min(scale.low, number);
      scale.high = Math.max(scale.high, number);
    } else if (number === -Infinity) scale.impossible = true;
    else if (number === Infinity) scale.infinite = true;
  }
  scale.empty = scale.low > scale.high;
  scale.bothSigns = !log && scale.low < 0 && scale.high > 0;
  if (scale.bothSigns) {
    scale.high = Math.max(-scale.low, scale.high);
    scale.low = -scale.high;
  }
  scale.colours = scale.bothSigns ? COOLWARM : CIVIDIS;
  return scale;
}

// The colour of a value, or null: impossible, or unknown.
export function colourOfValue(scale, value) {
  const number = scale.log ? Math.log10(value) : value;
  if (number === Infinity) return INFINITE_COLOUR;
  if (!Number.isFinite(number)) return null;
  const part = scale.high > scale.low ? (number - scale.low) / (scale.high - scale.low) : 0;
  return scale.colours[Math.min(255, Math.floor(256 * part))];
}

export function rgbText([red, green, blue]) {
  return `rgb(${red},${green},${blue})`;
}

// Nearly black and white: whichever is read better on a colour.
export const INKS = ["#101418", "#ffffff"];

export function inkOn([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 130 ? INKS[0] : INKS[1];
}

// Diagonal lines, as a pattern with an id. Ids are global in a page, so each picture counts on.
let patternsMade = 0;

export function hatching(colour, spacing = 6, thick = 1.5) {
  patternsMade += 1;
  const line = svgElement("path", { d: `M0 0V${spacing}`, stroke: colour, "stroke-width": thick * 2 });
  return svgElement(
    "pattern",
    {
      id: `hatching${patternsMade}`,
      width: spacing,
      height: spacing,
      patternUnits: "userSpaceOnUse",
      patternTransform: "rotate(45)",
    },
    [line],
  );
}

// A few round numbers between two; of logarithms, whole ones, or those of 1, 2 and 5 times powers of ten.
export function ticksBetween(low, high, log) {
  if (!(high > low)) return [low];
  if (log && high - low < 2.5) return logTicks(low, high);
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const step = log ? Math.max(1, Math.round(round)) : round;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

function logTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power += 1) {
    for (const factor of [1, 2, 5]) ticks.push(power + Math.log10(factor));
  }
  const within = ticks.filter((tick) => tick >= low - 1e-9 && tick <= high + 1e-9);
  return within.length > 1 ? within : [low, high];
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function tickText(tick, log) {
  if (!log) return valueText(Math.abs(tick) < 1e-12 ? 0 : tick);
  const whole = Math.abs(tick - Math.round(tick)) < 1e-9;
  if (!whole || (tick > -3.5 && tick < 3.5)) return valueText(10 ** tick);
  const raised = Array.from(String(Math.round(tick)), (sign) => SUPERSCRIPTS[sign] || "⁻");
  return `10${raised.join("")}`;
}

const BAR_HEIGHT = 10;

// A bar of the colours with its ticks and the name of what is coloured; as high as `COLOUR_BAR_ROOM`.
const COLOUR_BAR_ROOM = 44;

function colourBar(scale, name, width, dark) {
  const theme = themeOf(dark);
  const title = svgText(name, 0, 11, 12, { fill: theme.ink });
  if (scale.empty) return svgElement("g", {}, [title]);
  const steps = Math.min(128, Math.max(2, Math.floor(width / 2)));
  const pieces = Array.from({ length: steps }, (_, index) =>
    svgElement("rect", {
      x: (index * width) / steps,
      y: 17,
      width: width / steps + 0.5,
      height: BAR_HEIGHT,
      fill: rgbText(scale.colours[Math.floor(((index + 0.5) / steps) * 256)]),
    }),
  );
  return svgElement("g", {}, [title, ...pieces, ...barTicks(scale, width, theme)]);
}

function barTicks(scale, width, theme) {
  const marks = [];
  let free = -Infinity;
  for (const tick of ticksBetween(scale.low, scale.high, scale.log)) {
    const x = scale.high > scale.low ? ((tick - scale.low) / (scale.high - scale.low)) * width : 0;
    const text = tickText(tick, scale.log);
    const wide = textWidth(text, 11);
    const left = Math.max(0, Math.min(width - wide, x - wide / 2));
    // Two texts never touch: a tick that has no room is left out.
    if (left < free) continue;
    free = left + wide + 6;
    marks.push(svgElement("path", { d: `M${x} ${17 + BAR_HEIGHT}v3`, stroke: theme.quiet }));
    marks.push(svgText(text, left, 41, 11, { fill: theme.quiet }));
  }
  return marks;
}

// A bar and marks as one legend of a picture, in its middle, from `top` on; returns it with its height.
export function pictureLegend(scale, name, entries, width, top, dark) {
  const room = Math.min(width - 16, 720);
  const marks = markLegend(entries, room, dark);
  const barWidth = name ? Math.min(room, 360) : 0;
  const across = (part, y) => ({ transform: `translate(${Math.round((width - part) / 2)} ${y})` });
  const group = svgElement("g", {}, [svgElement("g", across(marks.width, top), [marks.group])]);
  if (!name) return { group, height: marks.height };
  group.append(svgElement("g", across(barWidth, top + marks.height + 4), [colourBar(scale, name, barWidth, dark)]));
  return { group, height: marks.height + 4 + COLOUR_BAR_ROOM };
}

// What the marks mean: samples of 22 x 14 with their texts, in as many lines as the width needs.
function markLegend(entries, width, dark) {
  const theme = themeOf(dark);
  const group = svgElement("g");
  let [x, y, used] = [0, 0, 0];
  for (const { sample, text } of entries) {
    const wide = 28 + textWidth(text, 12) + 16;
    if (x > 0 && x + wide - 16 > width) {
      x = 0;
      y += 20;
    }
    const words = svgText(text, 28, 11, 12, { fill: theme.ink });
    group.append(svgElement("g", { transform: `translate(${x} ${y})` }, [sample, words]));
    x += wide;
    used = Math.max(used, x - 16);
  }
  return { group, width: used, height: entries.length ? y + 20 : 0 };
}
