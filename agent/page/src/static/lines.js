// Two texts line by line: which lines both have, and which only one of them. The longest common lines are found between
// the common beginning and end; where that would take too long all of the middle counts as changed.

/** Most pairs of lines that are compared: a few megabytes and a fraction of a second. */
const MOST = 4_000_000;

/** Rows of `{left, right}`, line numbers from 1 and texts; both where the line is the same, one where it is not. */
export function compare(left, right) {
  const [a, b] = [split(left), split(right)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const rows = [];
  const both = (i, j) => rows.push({ left: line(a, i), right: line(b, j), same: true });
  for (let i = 0; i < head; i += 1) both(i, i);
  middle(a, b, head, a.length - tail, b.length - tail, rows, both);
  for (let i = tail; i > 0; i -= 1) both(a.length - i, b.length - i);
  return rows;
}

function split(text) {
  const all = text.split(/\r?\n/);
  if (all.at(-1) === "") all.pop();
  return all;
}

function line(all, at) {
  return { number: at + 1, text: all[at] };
}

function middle(a, b, from, endA, endB, rows, both) {
  const [n, m] = [endA - from, endB - from];
  let pair = { left: [], right: [] };
  const flush = () => {
    for (let i = 0; i < Math.max(pair.left.length, pair.right.length); i += 1) {
      rows.push({ left: pair.left[i] ?? null, right: pair.right[i] ?? null, same: false });
    }
    pair = { left: [], right: [] };
  };
  const longest = n * m <= MOST ? table(a, b, from, n, m) : null;
  let [i, j] = [0, 0];
  while (i < n || j < m) {
    if (longest && i < n && j < m && a[from + i] === b[from + j]) {
      flush();
      both(from + i, from + j);
      [i, j] = [i + 1, j + 1];
    } else if (j >= m || (i < n && (!longest || longest[(i + 1) * (m + 1) + j] >= longest[i * (m + 1) + j + 1]))) {
      pair.left.push(line(a, from + i));
      i += 1;
    } else {
      pair.right.push(line(b, from + j));
      j += 1;
    }
  }
  flush();
}

function table(a, b, from, n, m) {
  const longest = new Uint32Array((n + 1) * (m + 1));
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let j = m - 1; j >= 0; j -= 1) {
      longest[i * (m + 1) + j] = a[from + i] === b[from + j]
        ? longest[(i + 1) * (m + 1) + j + 1] + 1
        : Math.max(longest[(i + 1) * (m + 1) + j], longest[i * (m + 1) + j + 1]);
    }
  }
  return longest;
}
