import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

/** `sun_path` of Linux without its terminating zero. */
const MOST_PATH = 107;

/**
 * Listens on a unix socket with exactly these permissions from its first moment, making its folder where needed and replacing what a
 * killed process left behind, but never a socket on which somebody answers nor a file that is none.
 * @throws with a message for the administrator
 */
export async function listenOnPath(server: Server, path: string, mode: number, backlog?: number): Promise<void> {
  if (Buffer.byteLength(path) > MOST_PATH) {
    throw new Error(
      `the path ${path} is longer than ${MOST_PATH} bytes, the most a unix socket can have; choose a shorter one`,
    );
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  await removeStale(path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const refuse = (error: Error) => reject(new Error(`cannot listen on ${path}: ${error.message}`, { cause: error }));
  server.once('error', refuse);
  // Binding happens within `listen`, so the umask covers it.
  const before = process.umask(0o777 & ~mode);
  try {
    server.listen({ path, ...(backlog === undefined ? {} : { backlog }) }, resolve);
  } finally {
    process.umask(before);
  }
  await promise;
  server.off('error', refuse);
  chmodSync(path, mode);
}

async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw new Error(`${path} is there and is not a socket; move it away or choose another path`);
  if (await somebodyAnswers(path)) throw new Error(`a running Postern answers on ${path} already`);
  unlinkSync(path);
}

function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(new Error(`cannot tell whether somebody answers on ${path}: ${error.message}`, { cause: error }));
    });
  });
}
