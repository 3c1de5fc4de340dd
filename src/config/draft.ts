import type { Endpoint } from './address.ts';
import type { Finding, Path } from './problem.ts';
import type {
  configParts,
  DirectoryConfig,
  KeyPair,
  Limits,
  ListenerConfig,
  StoreConfig,
  ThrottleConfig,
  UpstreamConfig,
} from './schema.ts';
import { isRecord, valueAt } from './schema-view.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * What is right in a configuration of which other parts may be wrong, so that the rules across keys run all the same and the
 * administrator reads everything at once. `undefined` stands for a part that is wrong in itself and reported already.
 */
export interface Draft {
  /** The configuration file itself. */
  readonly file: string;
  readonly workers: unknown;
  readonly adminHttp: Endpoint | undefined;
  readonly listeners: readonly (ListenerConfig | undefined)[];
  readonly certificates: readonly (KeyPair | undefined)[];
  readonly limits: Limits | undefined;
  readonly directories: ReadonlyMap<string, DirectoryConfig | undefined>;
  /** Names in `authentication.directories`. */
  readonly directoryOrder: readonly (string | undefined)[];
  /** All that some listener offers. */
  readonly mechanisms: readonly string[];
  readonly throttle: ThrottleConfig | undefined;
  /** Whether app passwords are taken. */
  readonly appPasswords: boolean;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig | undefined>;
  /** Those that are described; `local` is there in any case. */
  readonly stores: ReadonlyMap<string, StoreConfig | undefined>;
  readonly routes: readonly (RouteOutline | undefined)[];
  readonly secrets: readonly SecretPlace[];
}

export interface RouteOutline {
  readonly conditional: boolean;
  readonly relay: string | undefined;
  /** Stores that its mounts, or its `store`, name. */
  readonly stores: readonly { readonly name: string; readonly path: Path }[];
  readonly listeners: readonly { readonly name: string; readonly path: Path }[];
}

/** Where a secret was written: into a file, or into the configuration itself. */
export interface SecretPlace {
  readonly path: Path;
  readonly file: string | undefined;
}

/** Where a rule says what it found. */
export interface Report {
  error(finding: Finding): void;
  /** Something that works and is probably not meant. */
  warning(finding: Finding): void;
}

/** One rule of what fits together. */
export type Rule = (draft: Draft, report: Report, around: Surroundings) => void;

interface Piece<T> {
  safeParse(value: unknown): { success: boolean; data?: T };
}

export function readDraft(value: unknown, parts: ReturnType<typeof configParts>, file: string): Draft {
  const at = (...path: Path) => valueAt(value, path);
  return {
    file,
    workers: at('server', 'workers'),
    adminHttp: attempt(parts.admin, at('admin') ?? {})?.http,
    listeners: list(at('listeners')).map(item => attempt(parts.listener, item)),
    certificates: list(at('tls', 'certificates')).map(item => attempt(parts.keyPair, item)),
    limits: attempt(parts.limits, at('limits') ?? {}),
    directories: mapping(at('directories'), item => attempt(parts.directory, item)),
    directoryOrder: list(at('authentication', 'directories')).map(item =>
      typeof item === 'string' ? item : undefined,
    ),
    mechanisms: offeredSomewhere(
      list(at('listeners')).map(item => attempt(parts.listener, item)?.mechanisms),
      attempt(parts.authentication.shape.mechanisms, at('authentication', 'mechanisms')) ?? [],
    ),
    throttle: attempt(parts.authentication.shape.throttle, at('authentication', 'throttle') ?? {}),
    appPasswords: isRecord(at('authentication', 'app_passwords')),
    upstreams: mapping(at('upstreams'), item => attempt(parts.upstream, item)),
    stores: mapping(at('stores'), item => attempt(parts.store, item)),
    routes: list(at('routes')).map(outlineRoute),
    secrets: [
      ...Object.keys(record(at('directories'))).map((name): Path => ['directories', name, 'bind', 'password']),
      ...Object.keys(record(at('upstreams'))).map((name): Path => ['upstreams', name, 'login', 'password']),
    ].flatMap(path => secretPlace(path, at(...path))),
  };
}

function offeredSomewhere(own: readonly (readonly string[] | undefined)[], common: readonly string[]): string[] {
  return [...new Set(own.flatMap(names => names ?? common))];
}

/** A value without some keys. */
export function omitKeys(value: unknown, paths: readonly Path[]): unknown {
  if (paths.length === 0) return value;
  const below = (step: string | number) =>
    paths.filter(path => path.length > 1 && path[0] === step).map(path => path.slice(1));
  if (Array.isArray(value)) return value.map((item, index) => omitKeys(item, below(index)));
  if (!isRecord(value)) return value;
  const gone = new Set(paths.filter(path => path.length === 1).map(path => path[0]));
  const kept = Object.entries(value).filter(([key]) => !gone.has(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, omitKeys(item, below(key))]));
}

function attempt<T>(piece: Piece<T>, value: unknown): T | undefined {
  const parsed = piece.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function mapping<T>(value: unknown, read: (item: unknown) => T): ReadonlyMap<string, T> {
  return new Map(Object.entries(record(value)).map(([name, item]) => [name, read(item)]));
}

function outlineRoute(route: unknown, index: number): RouteOutline | undefined {
  if (!isRecord(route)) return undefined;
  const listener = valueAt(route, ['when', 'listener']);
  const path: Path = ['routes', index, 'when', 'listener'];
  return {
    conditional: 'when' in route,
    relay: typeof route.relay === 'string' ? route.relay : undefined,
    stores: storePlaces(route, ['routes', index]),
    listeners:
      typeof listener === 'string'
        ? [{ name: listener, path }]
        : list(listener).flatMap((name, at) => (typeof name === 'string' ? [{ name, path: [...path, at] }] : [])),
  };
}

function storePlaces(route: Readonly<Record<string, unknown>>, path: Path): { name: string; path: Path }[] {
  const mounts = list(route.mounts).map((mount, index) => ({ from: record(mount), path: [...path, 'mounts', index] }));
  return [{ from: route, path }, ...mounts].flatMap(place =>
    typeof place.from.store === 'string' ? [{ name: place.from.store, path: [...place.path, 'store'] }] : [],
  );
}

function secretPlace(path: Path, value: unknown): SecretPlace[] {
  if (typeof value === 'string') return [{ path, file: undefined }];
  return isRecord(value) && typeof value.file === 'string' ? [{ path, file: value.file }] : [];
}
