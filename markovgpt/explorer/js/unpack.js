// Unpack the page: a stylesheet, the skeleton, and the program, which then begins.
const packed = atob(JSON.parse(document.getElementById("packed").textContent));
const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
const { style, skeleton, program } = await new Response(unpacked).json();

document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
document.body.insertAdjacentHTML("afterbegin", skeleton); // nothing of a model is in it
document.body.append(
  Object.assign(document.createElement("script"), { id: "program", type: "module", textContent: program }),
);
