import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { followLines, renderAuditLine } from '../../src/cli/demo/audit-lines.ts';
import { demoLetters } from '../../src/cli/demo/letters.ts';
import { attachment, mailbox, message, textPart } from '../../src/cli/demo/mime.ts';
import { setStage } from '../../src/cli/demo/stage.ts';
import { ownName } from '../../src/cli/demo.ts';
import { AuditLog, type LoginEvent } from '../../src/observe/audit.ts';
import { until } from '../support/processes.ts';

const root = mkdtempSync(join(tmpdir(), 'postern-demo-parts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the stage of the demonstration', () => {
  it('closes what it opened when the front door cannot start', async () => {
    const folder = mkdtempSync(join(root, 'stage-'));
    mkdirSync(join(folder, 'admin.sock'));
    await expect(setStage({ port: 0, folder, env: {}, tell: () => {} })).rejects.toThrow();
  });
});

describe('the mail of the demonstration', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const letters = demoLetters(now);

  it('is about a hundred messages for alice and bob, none from the future, the same each time', () => {
    expect(letters.length).toBeGreaterThan(95);
    expect(letters.length).toBeLessThan(130);
    expect(new Set(letters.map(({ owner }) => owner))).toEqual(new Set(['alice', 'bob']));
    expect(letters.filter(({ date }) => date > now)).toEqual([]);
    expect(demoLetters(now)).toEqual(letters);
  });

  it('has what makes mail hard: scripts, attachments, threads, HTML, forwarded messages', () => {
    const all = letters.map(({ bytes }) => bytes.toString('latin1')).join('\n');
    for (const part of [
      'multipart/mixed',
      'multipart/alternative',
      'multipart/related',
      'message/rfc822',
      'text/calendar; method=REQUEST',
      'application/pdf',
      "filename*=utf-8''",
      'charset=iso-8859-1',
      'charset=utf-8',
      'Content-Transfer-Encoding: base64',
      'Content-Transfer-Encoding: quoted-printable',
      'List-Id: ',
    ])
      expect(all).toContain(part);
    const ids = new Set([...all.matchAll(/^Message-ID: (.*)\r$/gm)].map(match => match[1]));
    const parents = [...all.matchAll(/^In-Reply-To: (.*)\r$/gm)].map(match => match[1]);
    expect(parents.length).toBeGreaterThan(20);
    expect(parents.filter(id => !ids.has(id))).toEqual([]);
  });

  it('keeps to the lines, bytes and headers of RFC 5322', () => {
    for (const { bytes } of letters) {
      const text = bytes.toString('latin1');
      expect(text).not.toMatch(/[^\r]\n|\r[^\n]|[\x80-\xff\0]/);
      expect(text.split('\r\n').filter(line => line.length > 78)).toEqual([]);
      expect(text).toMatch(/^Date: \w{3}, \d{2} \w{3} \d{4} [\d:]{8} \+0000\r\nFrom: .+(?:\r\n)? <\S+@\S+>\r\n/);
      expect(text.endsWith('\r\n')).toBe(true);
    }
  });
});

describe('its MIME', () => {
  it.each([
    ['=', '=3D'],
    ['end ', 'end=20'],
    ['Gr\u00fc\u00dfe=20', 'Gr=C3=BC=C3=9Fe=3D20'],
    [`\u00fc${'x'.repeat(80)}`, `=C3=BC${'x'.repeat(69)}=\r\n${'x'.repeat(11)}`],
    [`${'x'.repeat(74)}\u00fc`, `${'x'.repeat(74)}=\r\n=C3=BC`],
  ])('quotes %j', (text, quoted) => {
    // Something beyond ASCII and something long, so that it must be quoted at all.
    const { body, headers } = textPart(`${text}\n\u00e9${'y'.repeat(90)}`);
    expect(headers[1]).toBe('Content-Transfer-Encoding: quoted-printable');
    expect(body.toString('latin1').slice(0, quoted.length + 2)).toBe(`${quoted}\r\n`);
  });

  it('encodes and folds headers', () => {
    const subject = 'Zażółć gęślą jaźń, '.repeat(6).trim();
    const text = message([['Subject', subject]], textPart('x\n')).toString();
    const words = [...text.matchAll(/=\?utf-8\?B\?([A-Za-z0-9+/=]+)\?=/g)];
    expect(words.length).toBeGreaterThan(2);
    expect(words.every(([word]) => word.length <= 75)).toBe(true);
    // Each word by itself: no character is cut.
    expect(words.map(match => Buffer.from(match[1] ?? '', 'base64').toString()).join('')).toBe(subject);
    expect(mailbox('Rossi, Carla', 'c@example.it')).toBe('"Rossi, Carla" <c@example.it>');
    expect(attachment('a.png', 'image/png', Buffer.alloc(100)).body.toString()).toMatch(/^[A-Za-z0-9+/]{76}\r\n/);
  });
});

describe('its lines of logins', () => {
  const event: LoginEvent = {
    session: 's',
    listener: 'l',
    address: '192.0.2.7',
    port: 1,
    tls: { version: 'TLSv1.3' },
    mechanism: 'PLAIN',
    given: 'Alice',
    login: 'alice',
    outcome: 'ok',
    proof: 'directory',
    upstream: 'old',
    server: 'h:1',
    milliseconds: 12.34,
  };
  const lineOf = (about: Partial<LoginEvent>) => {
    const lines: string[] = [];
    new AuditLog(line => lines.push(line)).login({ ...event, ...about });
    return renderAuditLine(lines[0] ?? '')?.slice(10);
  };

  it.each([
    [{}, 'LOGIN    alice from 192.0.2.7 (TLSv1.3, PLAIN): password proven by LDAP, relayed to old at h:1, 12.3 ms\n'],
    [
      { proof: 'cache', clientId: 'mutt 2' } as const,
      'LOGIN    alice from 192.0.2.7 (TLSv1.3, PLAIN, mutt 2): password known from before, relayed to old at h:1, 12.3 ms\n',
    ],
    [
      { upstream: undefined, server: undefined } as const,
      'LOGIN    alice from 192.0.2.7 (TLSv1.3, PLAIN): password proven by LDAP, mailboxes served here, 12.3 ms\n',
    ],
    [
      { outcome: 'no-route', detail: 'why', login: undefined, tls: undefined } as const,
      'REFUSED  Alice from 192.0.2.7 (no TLS, PLAIN): no-route (why), 12.3 ms\n',
    ],
  ])('%j', (about, line) => expect(lineOf(about)).toBe(line));

  it('shows other events by their names, and nothing for what is no event', () => {
    const lines: string[] = [];
    new AuditLog(line => lines.push(line)).event('session-kicked', { login: 'alice' });
    expect(renderAuditLine(lines[0] ?? '')).toMatch(/^\d\d:\d\d:\d\d {2}session-kicked\n$/);
    for (const line of ['', 'text', '{}', '[1]', '{"level":"info","time":"2026-11-20T12:00:00Z","msg":"x"}'])
      expect(renderAuditLine(line)).toBeUndefined();
  });

  it('come from whole lines that are added to a file, also the last ones', async () => {
    const file = join(root, 'lines');
    writeFileSync(file, 'old\n');
    const lines: string[] = [];
    const stop = followLines(file, line => lines.push(line));
    writeFileSync(file, 'one\ntw', { flag: 'a' });
    await until('the first line', () => lines.length === 1);
    writeFileSync(file, `o \u00fc\n${'x'.repeat(100_000)}\nunfinished`, { flag: 'a' });
    stop();
    expect(lines).toEqual(['one', 'two \u00fc', 'x'.repeat(100_000)]);
  });
});

describe('its surroundings', () => {
  it.each([
    [{ npm_lifecycle_event: 'demo' }, '/p/src/postern.js', 'npm run -s postern --'],
    [{}, '/usr/local/bin/postern', 'postern'],
    [{}, '/p/src/postern.js', 'node /p/src/postern.js'],
  ])('%j %s is called again as %s', (env, script, name) => expect(ownName(env, script)).toBe(name));
});
