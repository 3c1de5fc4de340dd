import { envelopeText } from './encode-envelope.ts';
import { encodeNString, encodeUnfolded } from './encode-string.ts';
import type { Content, Extent, Parameter, Part, Structure } from './structure.ts';

export interface BodyStructureForm {
  /** BODYSTRUCTURE; without it BODY, which has no extension data. */
  readonly extended: boolean;
  /** How line ends go out: as they are stored, or bare line feeds as CRLF; sizes are told accordingly. */
  readonly lineEnds: 'stored' | 'crlf';
}

const EMPTY = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0';

/** The BODY or BODYSTRUCTURE of FETCH (RFC 9051 §7.5.2), with its parentheses. Stored once: it never changes for a message. */
export function encodeBodyStructure(
  structure: Structure,
  { extended = true, lineEnds = 'stored' }: Partial<BodyStructureForm> = {},
): Buffer {
  return Buffer.from(partText(structure.root, { extended, lineEnds }), 'latin1');
}

/** Bytes of an extent with these line ends. */
export function extentSize({ start, end, bareLineFeeds }: Extent, lineEnds: BodyStructureForm['lineEnds']): number {
  return end - start + (lineEnds === 'crlf' ? bareLineFeeds : 0);
}

function partText(part: Part, form: BodyStructureForm): string {
  return part.kind === 'multipart' ? multipartText(part, form) : singleText(part, form);
}

function multipartText({ children, content }: Part, form: BodyStructureForm): string {
  // The grammar demands a part: one that is empty stands for none.
  const parts = children.length > 0 ? children.map(child => partText(child, form)).join('') : emptyPart(form);
  const basic = `(${parts} ${encodeNString(content.subtype)}`;
  return form.extended ? `${basic} ${parameterList(content.parameters)} ${extensions(content)})` : `${basic})`;
}

function emptyPart({ extended }: BodyStructureForm): string {
  return extended ? `${EMPTY} NIL NIL NIL NIL)` : `${EMPTY})`;
}

function singleText(part: Part, form: BodyStructureForm): string {
  const { content, body } = part;
  const fields = [
    mediaType(part),
    part.kind === 'text' ? textParameters(content.parameters) : parameterList(content.parameters),
    encodeUnfolded(content.id),
    encodeUnfolded(content.description),
    encodeNString(content.encoding ?? '7bit'),
    extentSize(body, form.lineEnds).toString(),
  ];
  if (part.kind === 'text') fields.push(body.lines.toString());
  const message = part.kind === 'message' ? part.children[0] : undefined;
  if (message?.envelope) fields.push(envelopeText(message.envelope), partText(message, form), body.lines.toString());
  if (form.extended) fields.push(encodeUnfolded(content.md5), extensions(content));
  return `(${fields.join(' ')})`;
}

function mediaType({ kind, content: { type, subtype } }: Part): string {
  if (kind === 'message' && subtype?.toLowerCase() !== 'global') return '"message" "rfc822"';
  if (type === undefined) return '"text" "plain"';
  // A container that is not looked into would be unreadable under its name: clients expect what the grammar says follows it.
  const opaque =
    kind === 'other' &&
    /^(?:multipart|message\/(?:rfc822|global))$/i.test(isMultipart(type) ? 'multipart' : `${type}/${subtype}`);
  return opaque ? '"application" "octet-stream"' : `${encodeNString(type)} ${encodeNString(subtype ?? '')}`;
}

function isMultipart(type: string): boolean {
  return type.toLowerCase() === 'multipart';
}

function extensions({ disposition, languages, location }: Content): string {
  const shown = disposition ? `(${encodeNString(disposition.type)} ${parameterList(disposition.parameters)})` : 'NIL';
  const tongues = languages.length > 0 ? `(${languages.map(encodeNString).join(' ')})` : 'NIL';
  return `${shown} ${tongues} ${encodeUnfolded(location)}`;
}

function parameterList(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return 'NIL';
  return `(${parameters.map(({ name, value }) => `${encodeNString(name)} ${encodeNString(value)}`).join(' ')})`;
}

/** RFC 2045 §5.2: text without a charset is US-ASCII. */
function textParameters(parameters: readonly Parameter[]): string {
  const charset = parameters.some(({ name }) => name.toLowerCase() === 'charset');
  return parameterList(charset ? parameters : [...parameters, { name: 'charset', value: 'us-ascii' }]);
}
