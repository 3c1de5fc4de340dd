import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parsePasswordHash, verifyPassword } from '../../../src/auth/static/password-hash.ts';
import { userCommand } from '../../../src/cli/user.ts';

async function run(args: readonly string[], stdin: NodeJS.ReadableStream) {
  let [stdout, stderr] = ['', ''];
  const status = await userCommand.run(args, {
    stdin,
    stdout: text => {
      stdout += text;
    },
    stderr: text => {
      stderr += text;
    },
    env: {},
    cwd: '/',
  });
  return { status, stdout, stderr };
}

const piped = (...chunks: (string | Buffer)[]) => Readable.from(chunks);
const hashOf = (stdout: string) => parsePasswordHash(stdout.replace(/\n$/, ''));

/** A terminal at which somebody types. */
function terminal(...typed: string[]) {
  const modes: boolean[] = [];
  const stream = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) });
  for (const text of typed) stream.write(text);
  return { stream, modes };
}

describe('postern user hash', () => {
  it.each([
    [['hash'], 'argon2id'],
    [['hash', '--scrypt'], 'scrypt'],
  ])('%j prints one line that the password has', async (args, kind) => {
    const { status, stdout, stderr } = await run(args, piped('sec', 'ret\r\n'));
    expect([status, stderr]).toEqual([0, '']);
    expect(hashOf(stdout).kind).toBe(kind);
    expect(await verifyPassword(hashOf(stdout), 'secret')).toBe(true);
  });

  it('takes spaces as they are and letters composed, as logins do', async () => {
    const { stdout } = await run(['hash', '--scrypt'], piped(' Ju\u0308rgen '));
    expect(await verifyPassword(hashOf(stdout), ' J\u00fcrgen ')).toBe(true);
  });

  it.each([
    [[], 'secret', /say what to do/],
    [['list'], 'secret', /say what to do/],
    [['hash', 'alice'], 'secret', /say what to do/],
    [['hash', '--bcrypt'], 'secret', /bcrypt/],
    [['hash'], '', /password is empty/],
    [['hash'], '\n', /password is empty/],
  ])('%j with the password %j is a wrong command line', async (args, password, message) => {
    await expect(run(args, piped(password))).rejects.toThrow(expect.objectContaining({ name: 'UsageError' }));
    await expect(run(args, piped(password))).rejects.toThrow(message);
  });

  it.each([
    ['one\ntwo\n', /more than one line/],
    [Buffer.from([0x73, 0xfc]), /not in UTF-8/],
    ['x'.repeat(9000), /longer than 8192 bytes/],
  ])('does not take %j for a password', async (input, message) => {
    await expect(run(['hash'], piped(input))).rejects.toThrow(message);
  });
});

describe('at a terminal', () => {
  it('asks twice, shows nothing, and puts the terminal back', async () => {
    const { stream, modes } = terminal('sex\x7fcret\r', 'se', 'cre\u00fc\x7ft\r');
    const { stdout, stderr } = await run(['hash', '--scrypt'], stream);
    expect(stderr).toBe('Password: \nOnce more: \n');
    expect(await verifyPassword(hashOf(stdout), 'secret')).toBe(true);
    expect(modes).toEqual([true, false, true, false]);
  });

  it('takes both lines pasted at once', async () => {
    const { stdout } = await run(['hash', '--scrypt'], terminal('secret\nsecret\n').stream);
    expect(await verifyPassword(hashOf(stdout), 'secret')).toBe(true);
  });

  it.each([
    ['different passwords', ['secret\r', 'other\r'], /differ/],
    ['Ctrl-C', ['sec\x03'], /given up/],
  ])('does nothing after %s', async (_, typed, message) => {
    const { stream, modes } = terminal(...typed);
    await expect(run(['hash'], stream)).rejects.toThrow(message);
    expect(modes.at(-1)).toBe(false);
  });

  it('does not wait for a terminal that was closed', async () => {
    const { stream, modes } = terminal('sec');
    stream.end();
    await expect(run(['hash'], stream)).rejects.toThrow(/closed/);
    expect(modes.at(-1)).toBe(false);
  });
});
