import { printable } from '../observe/printable.ts';

/** A column: its heading, and whether it holds numbers. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/**
 * Rows under headings, aligned, two spaces apart. Cells may hold what clients sent: they are made printable here.
 * @returns text with line ends
 */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map(row => row.map(cell => printable(cell)))];
  const widths = columns.map((_, index) => Math.max(...cells.map(row => row[index]?.length ?? 0)));
  const pad = (text: string, index: number) =>
    columns[index]?.right ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0);
  return cells.map(row => `${row.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** "12s", "5m", "3h12m", "4d2h". */
export function renderSpan(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${Math.floor((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d${Math.floor((whole % 86_400) / 3600)}h`;
}

/** "512 B", "1.5 kB", "20 MB": powers of 1024, as the configuration's sizes. */
export function renderSize(bytes: number): string {
  let rest = bytes;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (rest < 1024) return `${rest < 10 && unit !== 'B' ? rest.toFixed(1) : Math.round(rest)} ${unit}`;
    rest /= 1024;
  }
  return `${rest.toFixed(1)} TB`;
}
