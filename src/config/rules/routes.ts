import { formatEndpoint } from '../address.ts';
import type { Rule } from '../draft.ts';
import { suggest } from '../nearest.ts';
import { unknownPlaceholders } from './outgoing.ts';

const relaysToKnownUpstreams: Rule = (draft, report) => {
  const known = [...draft.upstreams.keys()];
  for (const [index, route] of draft.routes.entries()) {
    const relay = route?.relay;
    if (relay === undefined || draft.upstreams.has(relay)) continue;
    const path = ['routes', index, 'relay'];
    if (relay === '{host}') {
      if (known.length > 0) continue;
      report.error({
        path,
        message: '"{host}" chooses among the upstreams, and there is none',
        mend: 'describe the servers that users may be sent to under "upstreams:"',
      });
    } else if (unknownPlaceholders(relay, []).length > 0) {
      report.error({
        path,
        message: `"${relay}" is not understood`,
        mend: 'write "{host}" alone, or the name of an upstream',
      });
    } else {
      const otherwise =
        known.length > 0 ? `write one of ${known.join(', ')}, or "{host}"` : 'describe it under "upstreams:"';
      report.error({ path, message: `there is no upstream "${relay}"`, mend: suggest(relay, known, otherwise) });
    }
  }
};

const lastRouteUnconditional: Rule = (draft, report) => {
  const index = draft.routes.length - 1;
  if (!draft.routes[index]?.conditional) return;
  report.error({
    path: ['routes', index],
    message: 'the last route has conditions, so some users would have no route',
    mend: 'end with a route without "when", such as - refuse: "No mailbox here; please call the help desk."',
  });
};

const nothingAfterUnconditional: Rule = (draft, report) => {
  const final = draft.routes.findIndex(route => route !== undefined && !route.conditional);
  if (final === -1 || final === draft.routes.length - 1) return;
  report.error({
    path: ['routes', final + 1],
    message: `this route is never reached: routes[${final}] has no "when" and always matches`,
    mend: `give routes[${final}] a "when", or move it to the end`,
  });
};

const conditionsNameListeners: Rule = (draft, report) => {
  // A listener that is wrong in itself may be the one that is meant.
  if (draft.listeners.includes(undefined)) return;
  const known = draft.listeners.flatMap(listener =>
    listener ? [...(listener.name === undefined ? [] : [listener.name]), formatEndpoint(listener.address)] : [],
  );
  for (const route of draft.routes) {
    for (const { name, path } of route?.listeners ?? []) {
      if (known.includes(name)) continue;
      const mend = suggest(name, known, `write one of ${known.join(', ')}`);
      report.error({ path, message: `there is no listener "${name}"`, mend });
    }
  }
};

const everyUpstreamUsed: Rule = (draft, report) => {
  const relays = draft.routes.map(route => route?.relay);
  if (draft.routes.includes(undefined) || relays.includes('{host}')) return;
  // A relay whose name is wrong probably means the one that seems unused.
  if (relays.some(relay => relay !== undefined && !draft.upstreams.has(relay))) return;
  for (const name of draft.upstreams.keys()) {
    if (relays.includes(name)) continue;
    report.warning({
      path: ['upstreams', name],
      message: 'no route leads to this upstream',
      mend: `write a route with relay: ${name}, or remove it`,
    });
  }
};

export const routeRules: readonly Rule[] = [
  relaysToKnownUpstreams,
  lastRouteUnconditional,
  nothingAfterUnconditional,
  conditionsNameListeners,
  everyUpstreamUsed,
];
