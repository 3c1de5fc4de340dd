import type { Figure } from './scenarios.ts';

/** What one front door showed; rows it cannot do, or that failed, are missing. */
export interface FrontResult {
  readonly name: string;
  readonly title: string;
  readonly figures: Readonly<Partial<Record<string, Figure>>>;
}

/** What is measured: CPU or memory of a thing, or time. */
export interface TableRow {
  readonly row: string;
  readonly title: string;
  readonly unit: string;
}

/**
 * A markdown table: a row per figure, a column per front door, and beside each peer's figure how Postern compares to it (below 1 =
 * Postern is cheaper).
 */
export function renderTable(results: readonly FrontResult[], all: readonly TableRow[]): string {
  const own = results.find(({ name }) => name === 'postern');
  const rows = all.filter(({ row }) => results.some(({ figures }) => figures[row]));
  const lines = rows.map(({ row, title, unit }) => {
    const cells = results.map(result => renderCell(result, row, unit, result === own ? undefined : own?.figures[row]));
    return `| ${[title, ...cells].join(' | ')} |`;
  });
  const heading = ['work', ...results.map(({ title }) => title)];
  return [`| ${heading.join(' | ')} |`, `|${heading.map(() => '---|').join('')}`, ...lines].join('\n');
}

function renderCell(result: FrontResult, row: string, unit: string, own: Figure | undefined): string {
  const figure = result.figures[row];
  if (!figure) return '-';
  // A part of less than a hundredth is somebody who was not asked.
  const parts = Object.values(figure.parts).filter(part => part > figure.value / 100);
  const text = parts.length > 1 ? parts.map(significant).join(' + ') : significant(figure.value);
  const rate = figure.perSecond > 0 ? `, ${Math.round(figure.perSecond)}/s` : '';
  const ratio = own && figure.value > 0 ? ` (Postern x ${(own.value / figure.value).toFixed(2)})` : '';
  return `${text} ${unit}${rate}${ratio}`;
}

function significant(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toPrecision(Math.abs(value) < 0.1 ? 2 : 3);
}
