/** Where the work and the memory that one message may cost end. What lies beyond is left out, and never an error. */
export interface MimeLimits {
  /** Parts in all. Later boundaries are ordinary lines of the part they stand in. */
  readonly parts: number;
  /** How deep multiparts and messages may lie in each other. A container any deeper is opaque: one part without children. */
  readonly depth: number;
  /** Bytes of a boundary that are compared. RFC 2046 §5.1.1 allows 70. */
  readonly boundary: number;
  /** Bytes kept of one header field that ENVELOPE or BODYSTRUCTURE need. */
  readonly field: number;
  /** Bytes kept of all such fields of a message together, 64 more for each field. */
  readonly fields: number;
  /** Parameters of one Content-Type or Content-Disposition, before continuations are joined. */
  readonly parameters: number;
  /** Addresses of one message, all fields of all nested messages together. */
  readonly addresses: number;
  /** Language tags of one Content-Language. */
  readonly languages: number;
}

export const DEFAULT_LIMITS: MimeLimits = {
  parts: 10_000,
  depth: 100,
  boundary: 80,
  field: 1024 * 1024,
  fields: 4 * 1024 * 1024,
  parameters: 1000,
  addresses: 20_000,
  languages: 100,
};

/** Counts what a message costs: lines, boundaries compared, tokens read. For tests and for those who account. */
export interface Meter {
  steps: number;
}
