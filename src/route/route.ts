/** Where a part of an account's mailboxes is kept: a store of the configuration, and the levels above it ('' for none). */
export interface RouteMount {
  readonly prefix: string;
  readonly store: string;
}

/** Where a principal goes. `rule` is the index of the rule, for logs and explain. */
export type Route =
  | { readonly mode: 'relay'; readonly upstream: string; readonly rule: number }
  | { readonly mode: 'serve'; readonly mounts: readonly RouteMount[]; readonly rule: number }
  | { readonly mode: 'refuse'; readonly text: string; readonly rule: number };
