// A random walk.

// Numbers in [0, 1) with 53 random bits from a seed, the same everywhere: sfc32 of C. Doty-Humphrey (PractRand), its
// three words seeded with the seed and two constants, the first twelve outputs thrown away.
export function walker(seed) {
  let a = seed >>> 0;
  let b = 0x9e3779b9;
  let c = 0x243f6a88;
  let counter = 1;
  function nextWord() {
    const out = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + out) >>> 0;
    return out;
  }
  for (let i = 0; i < 12; i++) nextWord();
  return {
    next() {
      const high = nextWord() >>> 5;
      const low = nextWord() >>> 6;
      return (high * 2 ** 26 + low) / 2 ** 53;
    },
  };
}

// The token at a place u in [0, 1) of a row's probabilities laid side by side; never an impossible one.
export function sampleToken(row, u) {
  let sum = 0;
  let last = 0;
  for (let a = 0; a < row.length; a++) {
    if (row[a] === 0) continue;
    sum += row[a];
    last = a;
    if (u < sum) return a;
  }
  return last;
}
