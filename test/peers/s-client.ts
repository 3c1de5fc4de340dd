import { spawn } from 'node:child_process';

/** What `openssl s_client` saw of a server. */
export interface Seen {
  /** Whether a handshake came to its end. */
  readonly secured: boolean;
  /** Of the certificate that was shown. */
  readonly commonName: string | undefined;
  readonly version: string | undefined;
  readonly resumed: boolean;
  readonly alpn: string | undefined;
  /** Everything it wrote. */
  readonly output: string;
}

const PATIENCE_MS = 20_000;

/**
 * Connects with `openssl s_client`, says `input` when it is connected, and lets it run until the server hangs up.
 * @param args further options, `-starttls imap` for example
 */
export async function sClient(port: number, args: readonly string[], input = 'z LOGOUT\r\n'): Promise<Seen> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('latin1');
    });
  }
  child.stdin.on('error', () => {});
  child.stdin.write(input);
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  clearTimeout(patience);
  const handshake = /^(New|Reused), (TLSv[\d.]+), Cipher is (?!\(NONE\))/m.exec(output);
  return {
    secured: handshake !== null,
    commonName: /^ ?0 s:CN = (\S+)$/m.exec(output)?.[1],
    version: handshake?.[2] && /^ +Protocol *: (\S+)$/m.exec(output)?.[1],
    resumed: handshake?.[1] === 'Reused',
    alpn: /^ALPN protocol: (\S+)$/m.exec(output)?.[1],
    output,
  };
}
