const START = /^(?:\* |\+ |[^\x00-\x20\x7f-\xff(){"%*\\+]+ (?:OK|NO|BAD) )/;
const CLEAN = /^[\x20-\x7e]*$/;
const QUOTED = /"(?:[^"\\]|\\["\\])*"/g;

/** What is wrong with what a server has said to a client that logged in as `in`; undefined: nothing. */
export function answerFault(heard: string): string | undefined {
  if (!heard.startsWith('* OK [CAPABILITY ')) return 'no greeting';
  if (!heard.includes('\r\nin OK ')) return 'no login';
  if (heard.includes('SERVERBUG') || heard.includes('Internal error')) return 'a bug';
  let at = 0;
  while (at < heard.length) {
    const response = responseAt(heard, at);
    if (!response) return `a response that breaks off at ${at}`;
    at = response.end;
    const { text } = response;
    if (!CLEAN.test(text)) return `not text: ${JSON.stringify(text)}`;
    if (!START.test(text)) return `not a response: ${JSON.stringify(text)}`;
    if (/^\* (?:\d+ FETCH|LIST|LSUB|STATUS|FLAGS|SEARCH|NAMESPACE) /.test(text) && !isBalanced(text)) {
      return `not a list: ${JSON.stringify(text)}`;
    }
  }
  return undefined;
}

/** One response, with `""` for each of its literals. */
function responseAt(heard: string, start: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = start; ; ) {
    const end = heard.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const line = heard.slice(at, end);
    // Free text may end in anything.
    const head = /^\* \d+ FETCH|^\* L(?:IST|SUB) |^\* STATUS /.test(text + line) ? /~?\{(\d+)\}$/.exec(line) : null;
    if (!head) return { text: text + line, end: end + 2 };
    text += `${line.slice(0, head.index)}""`;
    at = end + 2 + Number(head[1]);
    if (at > heard.length) return undefined;
  }
}

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const character of text.replace(QUOTED, '')) {
    if (character === '"') return false;
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}
