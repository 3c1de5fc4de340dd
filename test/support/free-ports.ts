import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Loopback ports that nobody listens on, for servers that cannot be given port 0. Taken below the range from which the kernel
 * picks ports of outgoing connections, so that a restart on the same port does not find it taken.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count; attempt += 1) {
    if (attempt > 1000) throw new Error(`found only ${ports.size} of ${count} free ports`);
    const port = randomInt(20_000, 32_000);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
