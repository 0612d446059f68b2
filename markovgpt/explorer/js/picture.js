// The pictures: one of the chosen kind for each model that is shown, side by side where there are two.
import { makeGraph } from "./graph.js";
import { makeMosaic } from "./mosaic.js";
import { makeSuffixes } from "./suffixes.js";
import { makeElement, placeNamed } from "./elements.js";
import { successorOf } from "./table.js";

const MAKERS = { graph: makeGraph, mosaic: makeMosaic, suffixes: makeSuffixes };
export const COLOUR_NAMES = {
  long: "share of the long run",
  reach: "P(red within n)",
  basin: "loop at temperature 0",
  moved: "how much the row moved",
};

// A place for pictures: `show(kind, indexes, views)` draws one view for each model of the indexes.
export function makePictures(content, tables, onPick) {
  let drawn = { key: "", pictures: [] };

  function show(kind, indexes, views) {
    const key = `${kind} ${indexes.join(" ")}`;
    if (key !== drawn.key) drawn = { key, pictures: remade(kind, indexes) };
    drawn.pictures.forEach((picture, place) => picture.update(views[place]));
  }

  function remade(kind, indexes) {
    drawn.pictures.forEach((picture) => picture.destroy());
    const place = placeNamed("pictures");
    const panes = indexes.map((index) => makePane(content.models[index].name, kind, indexes.length > 1));
    place.replaceChildren(...panes.map(({ pane }) => pane));
    place.dataset.count = String(indexes.length);
    return indexes.map((index, position) => MAKERS[kind](panes[position].inner, tables[index], { onPick }));
  }

  return { show, toSVG: () => drawn.pictures[drawn.pictures.length - 1].toSVG() };
}

function makePane(name, kind, isNamed) {
  const inner = makeElement("div", { class: "picture", "data-kind": kind });
  const heading = isNamed ? [makeElement("h2", {}, name)] : [];
  return { inner, pane: makeElement("figure", { class: "pane", "aria-label": name }, ...heading, inner) };
}

// What a picture needs to know of one model; `value` is what colours its cells, null where it is not known.
export function viewOf(table, found, machine, { choice, moved, shares, walk, start, dark }) {
  return {
    probs: found.probs,
    kept: found.kept,
    red: found.red,
    start,
    picked: choice.picked,
    trail: walk.steps > 0 ? walk.trail : [],
    ...colouring(choice.colour, found, machine, moved, shares),
    mass: shares,
    cycle: machine === null ? new Uint8Array(table.n) : cycleMask(table, machine),
    absorbing: absorbingMask(table, found.kept),
    dark,
    shown: table.shown,
  };
}

// The number of each state that its colour says: shares and probabilities by their logarithms.
function colouring(colour, found, machine, moved, shares) {
  const named = { valueName: COLOUR_NAMES[colour], log: colour === "long" || colour === "reach" };
  if (colour === "long") return { ...named, value: shares };
  if (colour === "reach") return { ...named, value: found.reach };
  if (colour === "basin")
    return { ...named, value: machine === null ? null : Float64Array.from(machine.basin, (cycle) => cycle + 1) };
  return { ...named, value: moved === null ? null : moved.totalVariation };
}

function cycleMask(table, machine) {
  const mask = new Uint8Array(table.n);
  for (const cycle of machine.cycles) {
    for (const state of cycle) mask[state] = 1;
  }
  return mask;
}

// A state is absorbing where its one possible token leads back to it; only windows of one token alone can be.
function absorbingMask(table, kept) {
  const mask = new Uint8Array(table.n);
  for (let token = 0; token < table.V; token++) {
    const state = (token * (table.n - 1)) / Math.max(table.V - 1, 1); // token, token, ..., token
    const row = kept.subarray(state * table.V, (state + 1) * table.V);
    const possible = row.reduce((count, isKept) => count + isKept, 0);
    if (possible === 1 && row[token] === 1 && successorOf(table, state, token) === state) mask[state] = 1;
  }
  return mask;
}
