import { MONTHS } from '../../imap/date-time.ts';
import type { ResponseBuffer } from '../../wire/response-buffer.ts';
import type { FetchItem } from '../fetch-item.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Days that are kept as text: thirty years. */
const KEPT_MOST = 11_000;
const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));

/** INTERNALDATE (RFC 9051 §7.5.2), in the time zone that it was given in. */
export const internalDate: FetchItem = {
  name: 'INTERNALDATE',
  parse() {
    const dates = new DateTexts();
    return {
      wants: ['date'],
      write(out, page, row) {
        out.text('INTERNALDATE "');
        dates.write(out, page.dates?.[row] ?? 0, page.zones?.[row] ?? 0);
        out.text('"');
        return true;
      },
    };
  },
};

/** date-time of RFC 9051 §9: `17-Jul-1996 02:44:25 -0700`. Days and zones are remembered. */
export class DateTexts {
  readonly #days = new Map<number, string>();
  readonly #zones = new Map<number, string>();

  /** @param time milliseconds since 1970 @param zone minutes east of UTC */
  write(out: ResponseBuffer, time: number, zone: number): void {
    const local = time + zone * MINUTE;
    const day = Math.floor(local / DAY);
    const seconds = Math.floor((local - day * DAY) / 1000);
    const minutes = Math.trunc(seconds / 60);
    const hours = Math.trunc(minutes / 60);
    out.text(this.#days.get(day) ?? this.#makeDay(day));
    out.text(TWO_DIGITS[hours] ?? '00');
    out.text(':');
    out.text(TWO_DIGITS[minutes - hours * 60] ?? '00');
    out.text(':');
    out.text(TWO_DIGITS[seconds - minutes * 60] ?? '00');
    out.text(this.#zones.get(zone) ?? this.#makeZone(zone));
  }

  #makeDay(day: number): string {
    const date = new Date(day * DAY);
    const ofMonth = String(date.getUTCDate()).padStart(2, ' ');
    const text = `${ofMonth}-${MONTHS[date.getUTCMonth()]}-${String(date.getUTCFullYear()).padStart(4, '0')} `;
    if (this.#days.size >= KEPT_MOST) this.#days.clear();
    this.#days.set(day, text);
    return text;
  }

  #makeZone(zone: number): string {
    const minutes = Math.abs(zone);
    const text = ` ${zone < 0 ? '-' : '+'}${TWO_DIGITS[Math.trunc(minutes / 60)]}${TWO_DIGITS[minutes % 60]}`;
    this.#zones.set(zone, text);
    return text;
  }
}
