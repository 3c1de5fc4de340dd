import { crc32, deflateSync } from 'node:zlib';

/**
 * A picture of a coloured gradient (RFC 2083).
 * @param grain how much every point differs from its neighbours, up to 255: with it, the file is nearly as large as the picture
 */
export function picture(width: number, height: number, grain = 0): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits for each of red, green and blue.
  header.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + width * 3));
  let noise = 1;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      // Lehmer's generator: the same picture each time.
      noise = (noise * 48_271) % 2_147_483_647;
      const blue = 160 + (((noise % 256) - 128) * grain) / 255;
      rows.set(
        [(x * 255) / width + ((noise >> 8) % 256) * (grain / 255), (y * 255) / height, blue],
        y * (1 + width * 3) + 1 + x * 3,
      );
    }
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND')]);
}

function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** One page with a line of text. @param text ASCII */
export function document(text: string): Buffer {
  const drawing = `BT /F1 18 Tf 72 720 Td (${text.replace(/[()\\]/g, '\\$&')}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let file = '%PDF-1.4\n';
  const places = objects.map((object, index) => {
    const place = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join('')}`;
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.from(file + table + trailer, 'latin1');
}

/** Measurements, a line each, deterministic. */
export function measurements(lines: number): Buffer {
  const rows = Array.from(
    { length: lines },
    (_, index) => `${index},${(Math.sin(index / 9) * 40 + 50).toFixed(2)},ok\n`,
  );
  return Buffer.from(`sample,value,state\n${rows.join('')}`);
}

/** An invitation (RFC 5545, RFC 5546 §3.2.2). */
export function invitation(uid: string, start: Date, summary: string, organizer: string, attendee: string): string {
  const stamp = (date: Date) => `${date.toISOString().replace(/[-:]|\.\d+/g, '')}`;
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Example//Demonstration//EN',
    'METHOD:REQUEST',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    `DTSTAMP:${stamp(new Date(start.getTime() - 7 * 86_400_000))}`,
    `DTSTART:${stamp(start)}`,
    `DTEND:${stamp(new Date(start.getTime() + 3_600_000))}`,
    `SUMMARY:${summary}`,
    `ORGANIZER:mailto:${organizer}`,
    `ATTENDEE;RSVP=TRUE:mailto:${attendee}`,
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}
