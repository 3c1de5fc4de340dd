import { connect } from 'node:net';

const PATIENCE_MS = 20_000;

/** Sends it all to a unix socket, ends, and returns all that comes back; text in which a character is a byte. */
export function tell(path: string, stream: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const heard = () => Buffer.concat(chunks).toString('latin1');
    // What the server has said stands; that it hung up before everything was read is its right.
    const socket = connect(path).on('error', () => {});
    const patience = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end after:\n${JSON.stringify(heard())}\nto:\n${JSON.stringify(stream)}`));
    }, PATIENCE_MS);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => {
      clearTimeout(patience);
      resolve(heard());
    });
    socket.end(Buffer.from(stream, 'latin1'));
  });
}

/** Sends a part of it and is gone as soon as so many octets have come back, without a word. */
export function vanish(path: string, stream: string, octets: number): Promise<void> {
  return new Promise(resolve => {
    const socket = connect(path).on('error', () => {});
    let left = octets;
    socket.on('data', chunk => {
      left -= chunk.length;
      if (left < 0) socket.destroy();
    });
    socket.on('close', () => resolve());
    const bytes = Buffer.from(stream, 'latin1');
    socket.end(bytes.subarray(0, bytes.length - (octets % Math.max(1, bytes.length))));
  });
}
