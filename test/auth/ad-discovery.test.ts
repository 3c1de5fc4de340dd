import { describe, expect, it } from 'vitest';
import { DiscoveredServers, type DiscoveryOptions, inOrder, type SrvRecord } from '../../src/auth/ad/discovery.ts';
import { silentLog } from '../support/ldap-config.ts';

const srv = (name: string, priority = 0, weight = 100, port = 389): SrvRecord => ({ name, port, priority, weight });
const none = (code: string) => Object.assign(new Error(`no such record: ${code}`), { code });

/** Discovery over a table of names, which a test changes, and a clock that it moves. */
function stand(records: Record<string, readonly SrvRecord[] | Error>, more: Partial<DiscoveryOptions> = {}) {
  const clock = { time: 0 };
  const asked: string[] = [];
  const source = new DiscoveredServers({
    domain: 'corp.example',
    globalCatalog: false,
    tls: 'implicit',
    insideOnly: true,
    refresh: 600_000,
    log: silentLog,
    now: () => clock.time,
    random: () => 0,
    resolve: async name => {
      asked.push(name);
      const found = records[name] ?? none('ENOTFOUND');
      if (found instanceof Error) throw found;
      return found;
    },
    ...more,
  });
  const names = async () => (await source.servers()).map(({ host, port }) => `${host}:${port}`);
  return { source, clock, asked, names };
}

const ALL = '_ldap._tcp.dc._msdcs.corp.example';
const SITE = '_ldap._tcp.Berlin._sites.dc._msdcs.corp.example';

describe('domain controllers by DNS', () => {
  it('are those of the domain, by priority, at the port of the way they are secured', async () => {
    const records = {
      [ALL]: [srv('dc2.corp.example.', 10), srv('DC1.corp.example'), srv('odd.corp.example', 20, 0, 1389)],
    };
    expect(await stand(records).names()).toEqual([
      'dc1.corp.example:636',
      'dc2.corp.example:636',
      'odd.corp.example:1389',
    ]);
    expect(await stand(records, { tls: 'starttls' }).names()).toContain('dc1.corp.example:389');
  });

  it('begin with those of the site, each once', async () => {
    const records = {
      [ALL]: [srv('a.corp.example', 0), srv('b.corp.example', 1), srv('c.corp.example', 2)],
      [SITE]: [srv('c.corp.example', 5)],
    };
    const { names } = stand(records, { site: 'Berlin' });
    expect(await names()).toEqual(['c.corp.example:636', 'a.corp.example:636', 'b.corp.example:636']);
    expect(await stand({ [ALL]: records[ALL] }, { site: 'Berlin' }).names()).toHaveLength(3);
    const broken = { [ALL]: records[ALL], [SITE]: none('ESERVFAIL') };
    expect(await stand(broken, { site: 'Berlin' }).names()).toHaveLength(3);
  });

  it('may be global catalogs', async () => {
    const records = { '_ldap._tcp.gc._msdcs.corp.example': [srv('gc.corp.example', 0, 0, 3268)] };
    expect(await stand(records, { globalCatalog: true }).names()).toEqual(['gc.corp.example:3269']);
  });

  it('outside the domain are not believed, unless their certificates decide', async () => {
    const records = { [ALL]: [srv('dc.evil.example'), srv('xcorp.example'), srv('dc1.corp.example'), srv('.')] };
    expect(await stand(records).names()).toEqual(['dc1.corp.example:636']);
    expect(await stand(records, { insideOnly: false }).names()).toHaveLength(3);
  });

  it('are asked for again when the answer is old, while the old one goes on', async () => {
    const records: Record<string, readonly SrvRecord[] | Error> = { [ALL]: [srv('a.corp.example')] };
    const { source, clock, asked, names } = stand(records);
    const first = await source.servers();
    expect(await Promise.all([source.servers(), source.servers()])).toEqual([first, first]);
    expect(asked).toHaveLength(1);

    clock.time = 600_000;
    // The same answer is the same object: nothing is rearranged.
    expect(await source.servers()).toBe(first);
    await Promise.resolve();
    expect(asked).toHaveLength(2);
    await expect.poll(async () => (await source.servers()) === first).toBe(true);

    records[ALL] = none('ETIMEOUT');
    clock.time = 1_200_000;
    await source.servers();
    await expect.poll(() => asked.length).toBe(3);
    expect(await names()).toEqual(['a.corp.example:636']);

    records[ALL] = [srv('b.corp.example')];
    clock.time = 1_216_000;
    await source.servers();
    await expect.poll(names).toEqual(['b.corp.example:636']);
  });

  it('are unavailable when there are none, and DNS is not asked for each login', async () => {
    const { source, clock, asked } = stand({ [ALL]: none('ENOTFOUND') });
    for (let login = 0; login < 5; login += 1) {
      await expect(source.servers()).rejects.toMatchObject({ name: 'ServerFailure', kind: 'unavailable' });
    }
    expect(asked).toHaveLength(1);
    clock.time = 15_000;
    await expect(source.servers()).rejects.toThrow('corp.example');
    expect(asked).toHaveLength(2);
  });
});

describe('records of one priority', () => {
  const records = [srv('heavy', 0, 75), srv('light', 0, 25), srv('never', 0, 0), srv('later', 1, 65_535)];

  it('come first as often as their weights say', () => {
    let draws = 0;
    const counts = new Map<string, number>();
    for (let turn = 0; turn < 1000; turn += 1) {
      // Evenly spread instead of random.
      const [first] = inOrder(records, () => (draws++ * 0.618_034) % 1);
      counts.set(first?.name ?? '', (counts.get(first?.name ?? '') ?? 0) + 1);
    }
    expect(counts.get('heavy')).toBeGreaterThan(650);
    expect(counts.get('light')).toBeGreaterThan(150);
    expect(counts.get('never') ?? 0).toBeLessThan(60);
    expect(counts.has('later')).toBe(false);
  });

  it('are all there, the next priority after them', () => {
    for (const chance of [0, 0.5, 0.999_999]) {
      const names = inOrder(records, () => chance).map(({ name }) => name);
      expect([...names].sort()).toEqual(['heavy', 'later', 'light', 'never']);
      expect(names.at(-1)).toBe('later');
    }
  });
});
