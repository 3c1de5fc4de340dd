import { BerReader, BerWriter, EqualityFilter, FilterParser } from 'ldapts';
import { describe, expect, it } from 'vitest';
import {
  escapeDnValue,
  escapeFilterValue,
  parseDnTemplate,
  parseFilterTemplate,
} from '../../src/config/ldap-template.ts';
import { loginName } from '../conformance/directory.ts';
import fc from '../support/fast-check.ts';

/** Strings that are likely to hold what escaping is about. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('(', ')', '*', '\\', '\0', '&', '|', '!', '=', ',', '+', '"', ' ', '#', '2', 'a', 'é'),
  }),
);

describe('filter templates', () => {
  const template = parseFilterTemplate('(&(objectClass=person)(|(uid={login})(mail={local}@{domain})))');

  it('puts the parts of a login in', () => {
    const filter = template.render(loginName('alice@example.org'));
    expect(filter).toBe('(&(objectClass=person)(|(uid=alice@example.org)(mail=alice@example.org)))');
  });

  it('escapes what RFC 4515 §3 names', () => {
    expect(escapeFilterValue('*)(uid=*\\\0é')).toBe('\\2a\\29\\28uid=\\2a\\5c\\00é');
  });

  it('turns any value into a filter for exactly that value', () => {
    fc.assert(
      fc.property(text, value => {
        const filter = FilterParser.parseString(`(uid=${escapeFilterValue(value)})`);
        expect(filter).toBeInstanceOf(EqualityFilter);
        expect(filter).toMatchObject({ attribute: 'uid', value });
      }),
    );
  });

  it('keeps its shape whatever the login', () => {
    const shape = (login: string) => {
      const writer = new BerWriter();
      FilterParser.parseString(template.render(loginName(login))).write(writer);
      return tags(writer.buffer);
    };
    fc.assert(
      fc.property(text, login => {
        expect(shape(login)).toEqual(shape('alice'));
      }),
    );
  });

  it('allows filters on several lines', () => {
    const filter = parseFilterTemplate(' ( &\n  (objectClass=person)\n  ( | (uid={login}) (mail={login}) )\n)\n');
    expect(filter.render(loginName('al'))).toBe('(&(objectClass=person)(|(uid=al)(mail=al)))');
  });

  it('takes UTF-8 that is escaped byte by byte for the characters it is', () => {
    const filter = parseFilterTemplate('(&(ou=caf\\c3\\a9)(uid={login}))').render(loginName('al'));
    expect(filter).toBe('(&(ou=café)(uid=al))');
  });

  it.each([
    ['(uid={login})', '(uid=*)'],
    ['(mail={local}@{domain})', '(mail=*@*)'],
    ['(uid={local}{domain})', '(uid=*)'],
    ['(memberOf:1.2.840.113556.1.4.1941:={login})', '(memberOf=*)'],
    ['(&(a=b)(!(uid~={login})))', '(&(a=b)(!(uid=*)))'],
  ])('lists with %s those of %s', (filter, anybody) => expect(parseFilterTemplate(filter).anybody).toBe(anybody));

  it.each([
    ['(uid={login}', /not a filter/],
    ['(uid={login}))', /not a filter/],
    ['(&)(uid={login})', /not a filter/],
    ['(uid=alice)', /the same for everybody/],
    ['(ou={domain})', /the same for everybody/],
    ['(uid={user})', /has \{user\}; write \{login\}/],
    ['(&(uid={login})(guid=\\ff\\fe))', /not UTF-8/],
    ['', /the same for everybody/],
  ])('explains what is wrong with %j', (filter, message) => {
    expect(() => parseFilterTemplate(filter)).toThrow(SyntaxError);
    expect(() => parseFilterTemplate(filter)).toThrow(message);
  });
});

describe('DN templates', () => {
  it('escapes what RFC 4514 §2.4 names', () => {
    const dn = parseDnTemplate('uid={login},ou=people');
    expect(dn.render(loginName('a,ou=x+b="c";<d>\\\0'))).toBe(
      'uid=a\\2cou\\3dx\\2bb\\3d\\22c\\22\\3b\\3cd\\3e\\5c\\00,ou=people',
    );
    expect(dn.render(loginName(' #a '))).toBe('uid=\\20#a\\20,ou=people');
    expect(dn.render(loginName('#a  '))).toBe('uid=\\23a\\20\\20,ou=people');
    expect(dn.render(loginName('zoë'))).toBe('uid=zoë,ou=people');
  });

  it('puts any value into one attribute and nothing else', () => {
    const dn = parseDnTemplate('uid={login},ou=people');
    fc.assert(
      fc.property(text, value => {
        const rendered = dn.render(loginName(value));
        expect(rendered.startsWith('uid=') && rendered.endsWith(',ou=people')).toBe(true);
        const inside = rendered.slice('uid='.length, -',ou=people'.length);
        expect(inside).not.toMatch(/(?<!\\)["+,;<=>\0]|^[ #]| $/);
        expect(unescaped(inside)).toBe(value);
        expect(escapeDnValue(value)).toBe(inside);
      }),
    );
  });

  it.each(['{login}@example.org', 'EXAMPLE\\{local}', 'ou=people', 'uid={name},ou=people', ''])('refuses %j', dn => {
    expect(() => parseDnTemplate(dn)).toThrow(SyntaxError);
  });
});

/** Tags of a BER element and all in it: its shape without its values. */
function tags(bytes: Buffer): readonly number[] {
  const found: number[] = [];
  for (const reader = new BerReader(bytes); reader.remain > 0; ) {
    const tag = reader.readSequence() ?? 0;
    found.push(tag);
    const inner = bytes.subarray(reader.offset, reader.offset + reader.length);
    if ((tag & 0x20) !== 0) found.push(...tags(inner));
    reader.offset += reader.length;
  }
  return found;
}

function unescaped(value: string): string {
  return value.replace(/\\([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
