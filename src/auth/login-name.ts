import type { AuthenticationConfig } from '../config/schema.ts';
import type { LoginName } from './directory.ts';

/** Longest login name in UTF-8 bytes, before and after preparation (RFC 4616 §2 asks for 255 at least). */
const LONGEST = 1024;

/** RFC 3454 C.1.2, which RFC 4013 §2.1 maps to SPACE. */
const NON_ASCII_SPACE = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;

/** RFC 3454 B.1, less U+200B: it is in C.1.2 as well, which RFC 4013 §2.1 applies first. */
const MAPPED_TO_NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g;

/**
 * RFC 4013 §2.3. Wider than its Unicode 3.2 tables in one way: every format character is refused, also those added since,
 * because an invisible character in a login name serves only to make two names look like one.
 */
const PROHIBITED = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\u2ff0-\u2ffb\ufffc\ufffd]/u;

/** Letters and punctuation written from right to left (RFC 3454 D.1, by script instead of by table). */
const RIGHT_TO_LEFT =
  /[[\p{sc=Hebr}\p{sc=Arab}\p{sc=Syrc}\p{sc=Thaa}\p{sc=Nkoo}\p{sc=Samr}\p{sc=Mand}\p{sc=Adlm}\p{sc=Rohg}]&&[\p{L}\p{P}]]/v;
const LEFT_TO_RIGHT =
  /[\p{L}--[\p{sc=Hebr}\p{sc=Arab}\p{sc=Syrc}\p{sc=Thaa}\p{sc=Nkoo}\p{sc=Samr}\p{sc=Mand}\p{sc=Adlm}\p{sc=Rohg}]]/v;

/**
 * The one name under which somebody is throttled, cached, looked up and relayed, from whatever the client typed: SASLprep
 * (RFC 4013), case, default domain, stripped domain. Idempotent.
 *
 * What is refused rather than mended: spaces at the ends or in runs (LDAP matching ignores them, so that `alice` and `alice `
 * would reach one entry under two names), and more than one `@` (no choice between two readings).
 */
export function normaliseLogin(text: string, rules: AuthenticationConfig['login']): LoginName | { refused: string } {
  if (Buffer.byteLength(text) > LONGEST) return { refused: `longer than ${LONGEST} bytes` };
  const prepared = mapped(text);
  const prohibited = PROHIBITED.exec(prepared)?.[0];
  if (prohibited !== undefined) return { refused: `contains the prohibited character ${codePoint(prohibited)}` };
  const typed = splitLogin(fold(prepared, rules.case));
  // Each part by itself: a stripped domain would otherwise uncover a space that nobody had looked at.
  if ([typed.local, typed.domain].some(part => /^ | $| {2}/.test(part))) {
    return { refused: 'has spaces at an end or in a run' };
  }
  if (typed.local === '') return { refused: typed.login === '' ? 'empty' : 'has no local part' };
  if (typed.login !== typed.local && (typed.domain === '' || typed.local.includes('@'))) {
    return { refused: 'is not of the form local@domain' };
  }
  const backwards = [typed.local, ...typed.domain.split('.')].find(part => !hasOneDirection(part));
  if (backwards !== undefined) return { refused: 'mixes writing directions' };

  const named = applyDomain(typed, rules);
  return Buffer.byteLength(named.login) > LONGEST ? { refused: `longer than ${LONGEST} bytes` } : named;
}

/** `local@domain` taken apart at the last `@`; the domain is empty where there is none. */
export function splitLogin(login: string): LoginName {
  const at = login.lastIndexOf('@');
  return at < 0
    ? { login, local: login, domain: '' }
    : { login, local: login.slice(0, at), domain: login.slice(at + 1) };
}

/**
 * A password as it is compared: OpaqueString (RFC 8265 §4.2), which obsoletes SASLprep for passwords. ASCII is untouched;
 * elsewhere spaces become SPACE and letters NFC. SASLprep's NFKC would turn `²` into `2` and so break binds to directories
 * that keep what was typed, as Active Directory does, while NFC is what nearly all keyboards send: only the decomposed
 * input of a few systems changes, and then to what the others sent.
 *
 * Characters that OpaqueString prohibits are left for the directory to judge: a password that it holds is a password.
 */
export function preparePassword(text: string): string {
  return text.replace(/[^\P{Zs} ]/gu, ' ').normalize('NFC');
}

/**
 * SASLprep (RFC 4013) as SCRAM needs it for passwords: both sides hash them, so both must spell them alike.
 * @returns undefined when it has a prohibited character
 */
export function saslprep(text: string): string | undefined {
  const prepared = mapped(text);
  return PROHIBITED.test(prepared) ? undefined : prepared;
}

function mapped(text: string): string {
  return text.replace(NON_ASCII_SPACE, ' ').replace(MAPPED_TO_NOTHING, '').normalize('NFKC');
}

function fold(text: string, rule: 'lower' | 'keep'): string {
  // Some letters are composed in lower case only (U+01F0), hence the second NFKC.
  return rule === 'lower' ? text.toLowerCase().normalize('NFKC') : text;
}

function applyDomain(typed: LoginName, rules: AuthenticationConfig['login']): LoginName {
  const standard = fold(rules.default_domain ?? '', rules.case);
  if (rules.strip_domain) {
    const strip = standard === '' || typed.domain.toLowerCase() === standard.toLowerCase();
    return strip ? splitLogin(typed.local) : typed;
  }
  // `CORP\alice` has its domain in front.
  const lacksDomain = typed.domain === '' && !typed.local.includes('\\');
  return lacksDomain && standard !== '' ? splitLogin(`${typed.local}@${standard}`) : typed;
}

/**
 * RFC 3454 §6, but for each part of an address by itself: for the whole, it would refuse every Hebrew or Arabic local part
 * in front of a Latin domain. RFC 8265 §3.1, too, judges the parts of a name one by one.
 */
function hasOneDirection(part: string): boolean {
  if (!RIGHT_TO_LEFT.test(part)) return true;
  const characters = [...part];
  const ends = [characters.at(0) ?? '', characters.at(-1) ?? ''];
  return !LEFT_TO_RIGHT.test(part) && ends.every(end => RIGHT_TO_LEFT.test(end));
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
