// Small pieces of page. Whatever comes from a model is text and never markup: children that are strings become text.

// An element with attributes and children: makeElement("p", {class: "note"}, "some text", anotherElement).
export function makeElement(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

// The element of the skeleton with this id.
export function placeNamed(id) {
  return document.getElementById(id);
}

// A table of a heading row and rows of cells; a cell is a string or an element, the first of each row names it. The
// table's own name is read out to whoever scrolls it by the keyboard.
export function makeTable(name, headings, rows) {
  const head = makeElement("tr", {}, ...headings.map((heading) => makeElement("th", { scope: "col" }, heading)));
  const body = rows.map(([first, ...cells]) =>
    makeElement(
      "tr",
      {},
      makeElement("th", { scope: "row" }, first),
      ...cells.map((cell) => makeElement("td", {}, cell)),
    ),
  );
  const table = makeElement("table", {}, makeElement("thead", {}, head), makeElement("tbody", {}, ...body));
  return makeElement("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": name }, table);
}

// A bar as long as its share, for tables that are read at a glance.
export function makeBar(share) {
  const bar = makeElement("span", { class: "bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", String(share));
  return bar;
}
