// Unpack the page: a stylesheet, the skeleton, and the program, which then begins.
import { bytesOf } from "./letters.js";
const packed = bytesOf(JSON.parse(document.getElementById("packed").textContent));
const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
const [style, skeleton, program] = (await new Response(unpacked).text()).split("\0");

document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
document.body.insertAdjacentHTML("afterbegin", skeleton); // nothing of a model is in it
document.body.append(
  Object.assign(document.createElement("script"), { id: "program", type: "module", textContent: program }),
);
