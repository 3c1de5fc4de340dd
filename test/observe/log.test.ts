import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogConfig, openLog } from '../../src/observe/log.ts';
import { LogFile } from '../../src/observe/log-file.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-log-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const config = (more: Partial<LogConfig> = {}): LogConfig => ({ level: 'info', audit: {}, ...more });
const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line));

describe('openLog', () => {
  it('writes JSON lines with ISO time, level as a word, and the bindings of children', async () => {
    const file = join(directory, 'postern.log');
    const logs = openLog(config({ file }));
    logs.log.child({ session: 's1' }).info({ listener: 'imaps' }, 'hello');
    logs.log.debug('not shown');
    await logs.close();
    expect(lines(file)).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        session: 's1',
        listener: 'imaps',
        msg: 'hello',
      },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it('writes errors with stack, code and causes, and nothing that hangs on them', async () => {
    const file = join(directory, 'postern.log');
    const logs = openLog(config({ file }));
    const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), {
      code: 'ECODE',
      password: 'geheim',
    });
    logs.log.error({ err: error }, 'failed');
    logs.log.error(error);
    await logs.close();
    const [first, second] = lines(file);
    expect(first).toMatchObject({
      msg: 'failed',
      err: {
        type: 'Error',
        message: 'outer',
        code: 'ECODE',
        stack: expect.stringContaining('log.test'),
        cause: { type: 'TypeError', message: 'inner' },
      },
    });
    expect(second).toMatchObject({ msg: 'outer' });
    expect(readFileSync(file, 'utf8')).not.toContain('geheim');
  });

  it('changes the level of children that are already there', async () => {
    const file = join(directory, 'postern.log');
    const logs = openLog(config({ file }));
    const child = logs.log.child({ session: 'old' });
    logs.setLevel('debug');
    child.debug('now shown');
    logs.setLevel('error');
    child.info('no more');
    await logs.close();
    expect(lines(file).map(({ msg }) => msg)).toEqual(['now shown']);
  });

  it('goes on in a new file after rotation', async () => {
    const file = join(directory, 'postern.log');
    const audit = join(directory, 'audit.log');
    const logs = openLog(config({ file, audit: { file: audit } }));
    logs.log.info('before');
    logs.flush();
    renameSync(file, `${file}.1`);
    renameSync(audit, `${audit}.1`);
    logs.reopen();
    logs.log.info('after');
    logs.audit.event('reload', {});
    await logs.close();
    expect(lines(`${file}.1`).map(({ msg }) => msg)).toEqual(['before']);
    expect(lines(file).map(({ msg }) => msg)).toEqual(['after']);
    expect(lines(audit).map(line => line.audit)).toEqual(['reload']);
  });

  it('keeps the old file when the new one cannot be opened', async () => {
    const folder = join(directory, 'folder');
    const moved = join(directory, 'moved');
    execFileSync('mkdir', [folder]);
    const logs = openLog(config({ file: join(folder, 'postern.log') }));
    renameSync(folder, moved);
    logs.reopen();
    logs.log.info('still here');
    await logs.close();
    expect(lines(join(moved, 'postern.log')).map(({ msg }) => msg)).toEqual([
      'cannot reopen a log file; going on with the old one',
      'still here',
    ]);
  });

  it('takes over a changed configuration, all or nothing', async () => {
    const first = join(directory, 'first.log');
    const second = join(directory, 'second.log');
    const logs = openLog(config({ file: first }));
    logs.log.info('one');
    expect(() =>
      logs.apply(config({ file: second, level: 'debug', audit: { file: join(directory, 'no', 'such') } })),
    ).toThrow(/ENOENT/);
    logs.log.debug('unseen');
    logs.log.info('two');
    logs.apply(config({ file: second, level: 'debug', audit: { file: second } }));
    logs.log.debug('three');
    logs.audit.event('reload', {});
    await logs.close();
    expect(lines(first).map(({ msg }) => msg)).toEqual(['one', 'two']);
    expect(lines(second).map(({ msg }) => msg)).toEqual(['three', 'reload']);
  });

  it('says clearly that a file cannot be opened', () => {
    expect(() => openLog(config({ file: join(directory, 'no', 'such') }))).toThrow(/ENOENT.*no\/such/);
  });

  it('survives a full disk, counts what is lost and complains once', async () => {
    const complaints: string[] = [];
    let lost = 0;
    const logs = openLog(config({ file: '/dev/full' }), {
      complain: text => complaints.push(text),
      onLost: count => {
        lost += count;
      },
    });
    for (let round = 0; round < 5; round += 1) {
      logs.log.info('a');
      logs.audit.event('reload', {});
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    logs.log.info('flushed');
    logs.flush();
    await logs.close();
    expect(lost).toBe(11);
    expect(complaints).toEqual([expect.stringMatching(/^postern: log lines are being lost \(\/dev\/full\): ENOSPC/)]);
  });
});

describe('LogFile', () => {
  it('bounds what waits for a reader that stopped, and goes on when it reads again', async () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(fifo, constants.O_WRONLY);
    let lost = 0;
    const file = new LogFile(writer, {
      buffer: 100_000,
      onLost: count => {
        lost += count;
      },
    });
    const line = `${'x'.repeat(999)}\n`;
    for (let count = 0; count < 50; count += 1) file.write(line);
    await new Promise(resolve => setTimeout(resolve, 20));
    for (let count = 0; count < 300; count += 1) file.write(line);
    expect(lost).toBe(200);

    const closed = file.close();
    let read = 0;
    const buffer = Buffer.alloc(65536);
    const pump = setInterval(() => {
      try {
        read += readSync(reader, buffer);
      } catch {
        // Empty for now.
      }
    }, 5);
    await closed;
    await new Promise(resolve => setTimeout(resolve, 20));
    clearInterval(pump);
    closeSync(reader);
    closeSync(writer);
    expect(read).toBe(150_000);
  });

  it('does not wait for ever for a reader that never comes back', async () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(fifo, constants.O_WRONLY);
    let lost = 0;
    const file = new LogFile(writer, {
      onLost: count => {
        lost += count;
      },
    });
    for (let count = 0; count < 100; count += 1) file.write(`${'x'.repeat(999)}\n`);
    await new Promise(resolve => setTimeout(resolve, 10));
    file.flush();
    await file.close();
    closeSync(reader);
    closeSync(writer);
    expect(lost).toBeGreaterThan(20);
  });

  it('counts lines written to a closed pipe', async () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(fifo, constants.O_WRONLY);
    const reasons: string[] = [];
    const file = new LogFile(writer, { onLost: (_count, reason) => reasons.push(reason) });
    closeSync(reader);
    file.write('one\n');
    await file.close();
    closeSync(writer);
    expect(reasons).toEqual([expect.stringMatching(/EPIPE/)]);
  });

  it('never follows a link when the file must be new', () => {
    const link = join(directory, 'link');
    execFileSync('ln', ['-s', join(directory, 'target'), link]);
    expect(() => new LogFile(link, { exclusive: true })).toThrow(/EEXIST/);
    expect(existsSync(join(directory, 'target'))).toBe(false);
  });
});

describe('a process that exits', () => {
  const source = new URL('../../src/observe/log.ts', import.meta.url).href;
  const script = (count: number) =>
    `import { openLog } from ${JSON.stringify(source)};
     const { log } = openLog({ level: 'info', audit: {} });
     for (let n = 0; n < ${count}; n += 1) log.info({ n });
     process.exit(3);`;
  const start = (count: number, stdout: number | 'pipe' = 'pipe') =>
    spawn(process.execPath, ['--input-type=module', '-e', script(count)], { stdio: ['ignore', stdout, 'ignore'] });

  it('has written every line', async () => {
    const child = start(500);
    let text = '';
    child.stdout?.on('data', chunk => {
      text += String(chunk);
    });
    const [status] = await once(child, 'close');
    expect(status).toBe(3);
    const numbers = text
      .split('\n')
      .filter(Boolean)
      .map((line): unknown => JSON.parse(line).n);
    expect(numbers).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it('goes on writing to a socket long after it was opened', async () => {
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        '--input-type=module',
        '-e',
        `import { openLog } from ${JSON.stringify(source)};
         const { log } = openLog({ level: 'info', audit: {} });
         log.info('one');
         setTimeout(() => { globalThis.gc(); globalThis.gc(); }, 50);
         setTimeout(() => log.info('two'), 100);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let text = '';
    child.stdout.on('data', chunk => {
      text += String(chunk);
    });
    await once(child, 'close');
    expect(
      text
        .split('\n')
        .filter(Boolean)
        .map((line): unknown => JSON.parse(line).msg),
    ).toEqual(['one', 'two']);
  });

  it.each(['socket', 'pipe'])('is not held up by a reader of a %s that stopped', async kind => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(fifo, constants.O_WRONLY);
    const child = start(5000, kind === 'pipe' ? writer : 'pipe');
    child.stdout?.pause();
    const [status] = await once(child, 'exit');
    child.stdout?.destroy();
    closeSync(reader);
    closeSync(writer);
    expect(status).toBe(3);
  });
});
