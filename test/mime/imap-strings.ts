/**
 * A response with every string quoted, literals too, without white space at its ends: what is said, not how it is written.
 */
export function canonical(response: string): string {
  const string = /"((?:[^"\\]|\\.)*)"|\{(\d+)\}\r\n/g;
  const pieces: string[] = [];
  let at = 0;
  for (let match = string.exec(response); match; match = string.exec(response)) {
    pieces.push(response.slice(at, match.index));
    at = string.lastIndex;
    if (match[2] === undefined) pieces.push(JSON.stringify((match[1] ?? '').replace(/\\(.)/g, '$1').trim()));
    else {
      pieces.push(JSON.stringify(response.slice(at, at + Number(match[2])).trim()));
      at += Number(match[2]);
    }
    string.lastIndex = at;
  }
  return pieces.join('') + response.slice(at);
}

/** The value of one item in the answer to a FETCH of nothing else. */
export function itemOf(line: string, item: string): string {
  const start = line.indexOf(`${item} `);
  if (start === -1) throw new Error(`no ${item} in ${JSON.stringify(line.slice(0, 200))}`);
  return line.slice(start + item.length + 1, -1);
}
