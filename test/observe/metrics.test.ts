import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';

describe('createMetrics', () => {
  it('renders what was counted, in a registry of its own', async () => {
    const metrics = createMetrics();
    const other = createMetrics();
    metrics.connections.inc({ listener: 'imaps' });
    metrics.connectionsRefused.inc({ reason: 'per_address' });
    metrics.logins.inc({ outcome: 'ok', mechanism: 'PLAIN', directory: 'corp' });
    metrics.loginSeconds.observe({ outcome: 'ok' }, 0.02);
    metrics.relayBytes.labels('in', 'legacy').inc(100);
    metrics.starttlsInjections.inc();
    const text = await metrics.render();
    expect(text).toContain('postern_connections_total{listener="imaps"} 1\n');
    expect(text).toContain('postern_connections_refused_total{reason="per_address"} 1\n');
    expect(text).toContain('postern_logins_total{outcome="ok",mechanism="PLAIN",directory="corp"} 1\n');
    expect(text).toContain('postern_login_seconds_bucket{le="0.025",outcome="ok"} 1\n');
    expect(text).toContain('postern_relay_bytes_total{direction="in",upstream="legacy"} 100\n');
    expect(text).toContain('postern_starttls_injections_total 1\n');
    expect(await other.render()).toContain('postern_starttls_injections_total 0\n');
  });

  it('names and explains everything of ours, and shows the process', async () => {
    const text = await createMetrics().render();
    const ours = [...text.matchAll(/^# TYPE (postern_\S+) (\w+)$/gm)];
    expect(ours.length).toBeGreaterThan(15);
    for (const [, name = '', type] of ours) {
      expect(text).toMatch(new RegExp(`^# HELP ${name} [A-Z].+\\.$`, 'm'));
      expect(name.endsWith('_total')).toBe(type === 'counter');
    }
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect(text).not.toContain('nodejs_active_handles');
  });

  it('asks for what is known elsewhere when it renders', async () => {
    const metrics = createMetrics();
    let servers = ['a:636', 'b:636'];
    metrics.beforeRender(() => {
      metrics.serverUp.reset();
      for (const server of servers) metrics.serverUp.set({ kind: 'directory', name: 'corp', server }, 1);
    });
    expect(await metrics.render()).toContain('postern_server_up{kind="directory",name="corp",server="b:636"} 1\n');
    servers = ['a:636'];
    expect(await metrics.render()).not.toContain('b:636');
  });
});
