/** Longest password read from a pipe, in bytes; what is longer is no password but the wrong file. */
const LONGEST = 8192;

/** What a terminal can do that a pipe cannot. */
export type Terminal = NodeJS.ReadableStream & { setRawMode(raw: boolean): unknown };

export function isTerminal(stream: NodeJS.ReadableStream): stream is Terminal {
  return 'isTTY' in stream && stream.isTTY === true && 'setRawMode' in stream;
}

/** All of a pipe, without one line end. @throws Error for more than one line, too much, or what is not UTF-8 */
export async function readPipedLine(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > LONGEST) throw new Error(`the password is longer than ${LONGEST} bytes`);
    chunks.push(bytes);
  }
  const text = decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  if (/[\r\n]/.test(text)) throw new Error('more than one line was given; a password is one line');
  return text;
}

/** One line typed without being shown. @throws Error when the user gives up (Ctrl-C, Ctrl-D) or the terminal closes */
export async function readHiddenLine(terminal: Terminal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = Buffer.alloc(0);

  const onData = (chunk: Buffer | string) => {
    const bytes = Buffer.from(chunk);
    for (const [index, byte] of bytes.entries()) {
      if (byte === 0x03 || byte === 0x04) return reject(new Error('given up'));
      if (byte === 0x0d || byte === 0x0a) {
        // What was pasted behind the line belongs to the next question.
        const rest = bytes.subarray(index + 1);
        terminal.pause();
        if (rest.length > 0) terminal.unshift(rest);
        return resolve(decode(typed));
      }
      typed = byte === 0x08 || byte === 0x7f ? withoutLast(typed) : Buffer.concat([typed, Buffer.of(byte)]);
    }
  };
  const onEnd = () => reject(new Error('the terminal was closed'));

  terminal.setRawMode(true);
  terminal.on('data', onData).on('end', onEnd).on('error', reject);
  terminal.resume();
  try {
    return await promise;
  } finally {
    terminal.off('data', onData).off('end', onEnd).off('error', reject);
    terminal.setRawMode(false);
    terminal.pause();
  }
}

/** Without the last character, which may be several bytes. */
function withoutLast(bytes: Buffer): Buffer<ArrayBuffer> {
  let length = bytes.length - 1;
  while (length > 0 && ((bytes[length] ?? 0) & 0xc0) === 0x80) length -= 1;
  return Buffer.from(bytes.subarray(0, Math.max(0, length)));
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error('the password is not in UTF-8', { cause });
  }
}
