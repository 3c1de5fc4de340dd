import { sectionExamples } from './reference-examples.ts';
import { isRecord, type SchemaNode, typeName } from './schema-view.ts';

const WRITTEN_AS = renderTable(
  ['Type', 'Written as'],
  [
    ['duration', '`500ms`, `5s`, `30m`, `12h`, `7d`'],
    ['size', '`8k`, `64k`, `100m`, `1g`, or a number of bytes'],
    [
      'address',
      '`"[::]:993"` (all addresses, IPv4 too), `"127.0.0.1:1143"`, `"unix:/run/postern/imap.sock"`; in quotes',
    ],
    ['server', '`mail.example.org` or `mail.example.org:1993`'],
    ['network', '`10.0.0.0/8`, `"2001:db8::/32"`, or one address'],
    ['secret', 'the text, or `{ file: PATH }`, or `{ env: NAME }`; of a file, one line end at its end is taken off'],
    ['path, file', 'absolute, or relative to the folder of the configuration; a file must exist'],
  ],
);

const INTRODUCTION = `# Configuration reference

Every key of the configuration file, its type, its default and what it means. \`postern check --config FILE\` says what is wrong
with a file, and where; \`postern reload\` applies a valid one without dropping a connection. Complete examples to start from
lie beside this page. For help in an editor, begin the file with
\`# yaml-language-server: $schema=./postern.schema.json\`.

This page is made from the schema by \`npm run schema\`; do not edit it.

How values are written:

${WRITTEN_AS}`;

/** The page for administrators, in Markdown, made from the configuration's JSON Schema. */
export function renderReference(schema: SchemaNode): string {
  const sections = Object.entries(schema.properties ?? {}).flatMap(([name, node]) =>
    typeof node === 'boolean' ? [] : [renderSection(name, node, schema.required?.includes(name) === true)],
  );
  return [INTRODUCTION, ...sections].join('\n');
}

interface Row {
  readonly key: string;
  readonly node: SchemaNode;
  readonly required: boolean;
}

interface Form {
  readonly key: string;
  readonly node: SchemaNode;
}

function renderSection(name: string, node: SchemaNode, required: boolean): string {
  const example = sectionExamples[name];
  const parts = [`## ${name}\n`, `${node.description ?? ''}${required ? ' Required.' : ''}\n`];
  if (example !== undefined) parts.push(`\`\`\`yaml\n${example}\n\`\`\`\n`);
  const { prefix, inner } = descend('', node);
  parts.push(...renderKeys(prefix, inner));
  return parts.join('\n');
}

/** Into the entries of a list or of a mapping by name, which have the keys that are worth telling. */
function descend(key: string, node: SchemaNode): { prefix: string; inner: SchemaNode } {
  const items = asNode(node.items);
  if (items) return descend(`${key}[]`, items);
  const entries = node.properties ? undefined : asNode(node.additionalProperties);
  return entries ? descend(key === '' ? 'NAME' : `${key}.NAME`, entries) : { prefix: key, inner: node };
}

function renderKeys(prefix: string, node: SchemaNode): string[] {
  if (isUnionOfMappings(node)) {
    return branchesOf(node).flatMap(branch => {
      const constants = Object.entries(branch.properties ?? {}).flatMap(([key, property]) =>
        typeof property === 'object' && property.const !== undefined ? [`${key}: ${String(property.const)}`] : [],
      );
      const path = prefix === 'NAME' ? '' : `${prefix} `;
      return [
        `### \`${path}${constants.join(', ')}\`\n`,
        `${branch.description ?? ''}\n`,
        ...renderKeys(prefix, branch),
      ];
    });
  }
  const forms: Form[] = [];
  const rows = rowsOf(prefix === '[]' || prefix === 'NAME' ? '' : prefix, node, forms);
  const table = renderTable(['Key', 'Type', 'Default', 'Meaning'], rows.map(cellsOf));
  return [table, ...forms.flatMap(form => renderKeys(form.key, form.node))];
}

function rowsOf(prefix: string, node: SchemaNode, forms: Form[]): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, property]) => {
    if (typeof property === 'boolean') return [];
    const key = prefix === '' ? name : `${prefix}.${name}`;
    const row: Row = { key, node: property, required: node.required?.includes(name) === true };
    if (typeof property.title === 'string') return [row];
    const { prefix: below, inner } = descend(key, property);
    if (isUnionOfMappings(inner)) {
      forms.push({ key: below, node: inner });
      return [row];
    }
    return inner.properties ? [row, ...rowsOf(below, inner, forms)] : [row];
  });
}

function cellsOf({ key, node, required }: Row): readonly string[] {
  return [`\`${key}\``, typeName(node), renderDefault(node, required), node.description ?? ''];
}

/** Columns are padded, as the formatter of the repository wants it. A bar would end the cell. */
function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map(row => row.map(cell => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')));
  const widths = head.map((_, column) => Math.max(3, ...lines.map(row => row[column]?.length ?? 0)));
  const render = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |\n`;
  const [first = [], ...others] = lines;
  return [first, widths.map(width => '-'.repeat(width)), ...others].map(render).join('');
}

function renderDefault(node: SchemaNode, required: boolean): string {
  if (required) return 'required';
  if (node.default === undefined) return '';
  // Defaults of the keys within stand in rows of their own.
  if (isRecord(node.default) && Object.keys(node.default).length === 0) return '';
  const text = typeof node.default === 'string' ? node.default : renderFlow(node.default);
  return `\`${text}\``;
}

function renderFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(renderFlow).join(', ')}]`;
  if (isRecord(value)) {
    const pairs = Object.entries(value).map(([key, inner]) => `${key}: ${renderFlow(inner)}`);
    return `{ ${pairs.join(', ')} }`;
  }
  return String(value);
}

function isUnionOfMappings(node: SchemaNode): boolean {
  const branches = branchesOf(node);
  return branches.length > 0 && node.title === undefined && branches.every(branch => branch.properties !== undefined);
}

function branchesOf(node: SchemaNode): readonly SchemaNode[] {
  return (node.anyOf ?? node.oneOf ?? []).filter(branch => typeof branch !== 'boolean');
}

function asNode(value: unknown): SchemaNode | undefined {
  return isRecord(value) ? value : undefined;
}
