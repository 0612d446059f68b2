// Sums and the largest of arrays.

export function highestOf(numbers) {
  let highest = -Infinity;
  for (let i = 0; i < numbers.length; i++) if (numbers[i] > highest) highest = numbers[i];
  return highest;
}

export function sumOf(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i];
  return sum;
}

export function dotOf(left, right) {
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += left[i] * right[i];
  return sum;
}
