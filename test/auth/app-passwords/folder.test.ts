import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { accountId } from '../../../src/auth/account-id.ts';
import { AppPasswordFolder } from '../../../src/auth/app-passwords/folder.ts';
import { newSecret } from '../../../src/auth/app-passwords/secret-form.ts';

const ADA = accountId('corp', 'ada');
const BOB = accountId('corp', 'bob');
const HERE = { address: '192.0.2.1', protocol: 'imap' } as const;
const PHONE = { name: 'phone', only: [], from: [] };

describe('the folder of app passwords', () => {
  let data = '';
  let now = Date.parse('2026-11-01T12:00:00Z');
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'postern-app-passwords-'));
    now = Date.parse('2026-11-01T12:00:00Z');
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));
  const open = () => new AppPasswordFolder(join(data, 'app-passwords'), undefined, () => now);

  it('lets the one in that was made, for its account, however it is typed, and what another process made at once', async () => {
    const server = open();
    const { secret, record } = await open().create(ADA, PHONE);
    expect(await server.verify(ADA, secret, HERE)).toEqual({ valid: true, mark: { id: record.id, name: 'phone' } });
    expect(await server.verify(ADA, secret.toUpperCase().replaceAll('-', ' '), HERE)).toMatchObject({ valid: true });
    expect(await server.verify(BOB, secret, HERE)).toEqual({ valid: false, reason: 'unknown or revoked' });
    expect(await server.verify(ADA, newSecret(), HERE)).toEqual({ valid: false, reason: 'unknown or revoked' });
  });

  it('refuses a revoked one at once, and only that', async () => {
    const server = open();
    const one = await server.create(ADA, PHONE);
    const other = await server.create(ADA, PHONE);
    expect(await open().revoke(ADA, one.record.id)).toBe(true);
    expect(await open().revoke(ADA, one.record.id)).toBe(false);
    expect(await server.verify(ADA, one.secret, HERE)).toMatchObject({ valid: false });
    expect(await server.holds(ADA, one.record.id)).toBe(false);
    expect(await server.verify(ADA, other.secret, HERE)).toMatchObject({ valid: true });
    expect(await server.holds(ADA, other.record.id)).toBe(true);
  });

  it('keeps no password, in files that nobody else can read, and nothing else', async () => {
    const { secret, record } = await open().create(ADA, PHONE);
    const folder = join(data, 'app-passwords', ADA);
    expect(readdirSync(folder)).toEqual([`${record.id}.json`]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, `${record.id}.json`)).mode & 0o777).toBe(0o600);
    const content = readFileSync(join(folder, `${record.id}.json`), 'utf8');
    expect(content).not.toContain(secret);
    expect(content).not.toContain(secret.replaceAll('-', ''));
  });

  it('holds to where and until when it may be used', async () => {
    const server = open();
    const expires = new Date('2026-11-02T00:00:00Z');
    const { secret } = await server.create(ADA, {
      name: 'office',
      only: ['imap'],
      from: ['192.0.2.0/24', '2001:db8::/32'],
      expires,
    });
    const verdict = async (address: string) => {
      const result = await server.verify(ADA, secret, { ...HERE, address });
      return result.valid ? 'valid' : result.reason;
    };
    expect(await verdict('192.0.2.200')).toBe('valid');
    expect(await verdict('::ffff:192.0.2.200')).toBe('valid');
    expect(await verdict('2001:db8::5')).toBe('valid');
    expect(await verdict('198.51.100.1')).toMatch(/office\) may not be used from 198\.51\.100\.1/);
    now = expires.getTime();
    expect(await verdict('192.0.2.200')).toMatch(/expired on 2026-11-02/);
    expect(await server.verifiers(ADA, HERE)).toEqual([]);
  });

  it('gives SCRAM what RFC 5802 asks for, with one salt for an account', async () => {
    const server = open();
    const one = await server.create(ADA, PHONE);
    await server.create(ADA, PHONE);
    const verifiers = await server.verifiers(ADA, HERE);
    expect(new Set(verifiers.map(({ salt }) => salt.toString('hex'))).size).toBe(1);
    expect((await open().verifiers(BOB, HERE)).length).toBe(0);
    const mine = verifiers.find(({ mark }) => mark.id === one.record.id);
    const salted = pbkdf2Sync(one.secret, mine?.salt ?? '', mine?.iterations ?? 1, 32, 'sha256');
    const key = (label: string) => createHmac('sha256', salted).update(label).digest();
    expect(mine?.storedKey).toEqual(createHash('sha256').update(key('Client Key')).digest());
    expect(mine?.serverKey).toEqual(key('Server Key'));
  });

  it('tells the last use, written at most every ten minutes', async () => {
    const server = open();
    const { secret, record } = await server.create(ADA, PHONE);
    const other = await server.create(ADA, { ...PHONE, name: 'tablet' });
    const lastUse = async (name = 'phone') => (await open().list(ADA)).find(listed => listed.name === name)?.lastUse;
    expect(await lastUse()).toBeUndefined();
    await server.verify(ADA, secret, HERE);
    const first = { at: '2026-11-01T12:00:00.000Z', address: '192.0.2.1' };
    await vi.waitFor(async () => expect(await lastUse()).toEqual(first));
    now += 599_000;
    await server.verify(ADA, secret, { ...HERE, address: '192.0.2.9' });
    // What was written after it is there.
    await server.verify(ADA, other.secret, HERE);
    await vi.waitFor(async () => expect(await lastUse('tablet')).toBeDefined());
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(await lastUse()).toEqual(first);
    now += 1000;
    await server.verify(ADA, secret, { ...HERE, address: '192.0.2.10' });
    const second = { at: '2026-11-01T12:10:00.000Z', address: '192.0.2.10' };
    await vi.waitFor(async () => expect(await lastUse()).toEqual(second));
    await open().revoke(ADA, other.record.id);
    await open().revoke(ADA, record.id);
    expect(readdirSync(join(data, 'app-passwords', ADA))).toEqual([]);
  });

  it('refuses by a file that cannot be read as the administrator’s to mend, not as a wrong password', async () => {
    const { secret, record } = await open().create(ADA, PHONE);
    writeFileSync(join(data, 'app-passwords', ADA, `${record.id}.json`), '{"id":');
    await expect(open().verify(ADA, secret, HERE)).rejects.toMatchObject({ kind: 'misconfigured' });
  });

  it('clears away what a killed process left half written, and nothing that is being written', async () => {
    now = Date.now();
    await open().create(ADA, PHONE);
    const folder = join(data, 'app-passwords', ADA);
    for (const name of ['.old.new', '.young.new']) writeFileSync(join(folder, name), '{');
    utimesSync(join(folder, '.old.new'), new Date(now - 3_700_000), new Date(now - 3_700_000));
    await open().create(ADA, PHONE);
    expect(readdirSync(folder).filter(name => name.endsWith('.new'))).toEqual(['.young.new']);
    expect(await open().list(ADA)).toHaveLength(2);
  });

  it('has a bound for each account', async () => {
    const folder = open();
    for (let made = 0; made < 50; made += 1) await folder.create(ADA, PHONE);
    await expect(folder.create(ADA, PHONE)).rejects.toThrow(/50 app passwords/);
    expect((await folder.list(ADA)).length).toBe(50);
  });
});
