// Bytes and numbers out of letters: base 85 as markovgpt/explorer/letters.py writes it. No document in here.

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%/()*+-;,=.?@^_`{|}~";

// Five letters are four bytes; of a last group that is shorter, the letters that are missing count as the largest.
export function bytesOf(text) {
  const digitOf = new Uint8Array(128);
  for (let digit = 0; digit < 85; digit++) digitOf[LETTERS.charCodeAt(digit)] = digit;
  const groups = Math.ceil(text.length / 5);
  const view = new DataView(new ArrayBuffer(4 * groups));
  for (let group = 0; group < groups; group++) {
    let word = 0;
    for (let i = 5 * group; i < 5 * group + 5; i++) {
      word = 85 * word + (i < text.length ? digitOf[text.charCodeAt(i)] : 84);
    }
    view.setUint32(4 * group, word);
  }
  return new Uint8Array(view.buffer, 0, Math.floor((4 * text.length) / 5));
}

// Numbers of {dtype, data}; little-endian, as every machine that runs a browser.
export function numbersOf({ dtype, data }) {
  return new { float32: Float32Array, float64: Float64Array }[dtype](bytesOf(data).buffer);
}
