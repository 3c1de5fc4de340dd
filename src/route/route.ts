/** Where a principal goes. */
export type Route =
  | { readonly mode: 'relay'; readonly upstream: string /** Index of the rule, for explain. */; readonly rule: number }
  | { readonly mode: 'refuse'; readonly text: string; readonly rule: number };
