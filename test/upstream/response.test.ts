import { describe, expect, it } from 'vitest';
import { endsInText, parseResponse } from '../../src/upstream/response.ts';

const parse = (line: string | Buffer) => {
  const { line: _line, ...rest } = parseResponse([Buffer.from(line)]);
  return rest;
};

describe('a response', () => {
  it.each([
    ['* OK ready', '*', 'OK', undefined, 'ready'],
    ['* OK [CAPABILITY IMAP4rev1] ready', '*', 'OK', 'CAPABILITY IMAP4rev1', 'ready'],
    ['p1 NO [AUTHENTICATIONFAILED] no', 'p1', 'NO', 'AUTHENTICATIONFAILED', 'no'],
    ['* CAPABILITY IMAP4rev1 IDLE', '*', 'CAPABILITY', undefined, 'IMAP4rev1 IDLE'],
    ['* 5 EXISTS', '*', '5', undefined, 'EXISTS'],
    ['+ go on', '+', '', undefined, 'go on'],
    // What servers say besides.
    ['*  OK  ready', '*', 'OK', undefined, 'ready'],
    ['* ok ready', '*', 'OK', undefined, 'ready'],
    ['* OK', '*', 'OK', undefined, ''],
    ['* OK ', '*', 'OK', undefined, ''],
    ['p1 OK', 'p1', 'OK', undefined, ''],
    ['p1 OK []', 'p1', 'OK', '', ''],
    ['p1 OK [ALERT]look', 'p1', 'OK', 'ALERT', 'look'],
    ['p1 OK [never closed', 'p1', 'OK', undefined, '[never closed'],
    ['* OK [x] a [y] b', '*', 'OK', 'x', 'a [y] b'],
    ['+', '+', '', undefined, ''],
    ['+ ', '+', '', undefined, ''],
    ['* (x y)', '*', '(X', undefined, 'y)'],
    ['*', '*', '', undefined, ''],
    ['* ', '*', '', undefined, ''],
    ['* OK Grüße', '*', 'OK', undefined, 'Grüße'],
    ['* OK a\0b', '*', 'OK', undefined, 'a\0b'],
  ])('reads %j', (line, tag, name, code, text) => {
    expect(parse(line)).toEqual({ tag, name, code, text });
  });

  it('reads a text in whatever encoding', () => {
    const line = Buffer.from('p1 NO [AUTHENTICATIONFAILED] ung\xfcltig', 'latin1');
    expect(parse(line)).toMatchObject({ tag: 'p1', name: 'NO', code: 'AUTHENTICATIONFAILED' });
  });

  it.each(['', ' OK', '+OK POP3 ready', '**', '*OK'])('is not %j', line => {
    expect(() => parse(line)).toThrow('a response was expected');
  });
});

describe('a line that ends in text', () => {
  it.each(['* OK see {5}', '* ok {5}', '+ {5}', 'p1 NO {5}', '*  BYE {5}'])('%j announces no literal', line => {
    expect(endsInText(Buffer.from(line))).toBe(true);
  });
  it.each(['* LIST () "/" {5}', '* OKAY {5}', '* ID ({5}'])('%j does', line => {
    expect(endsInText(Buffer.from(line))).toBe(false);
  });
});
