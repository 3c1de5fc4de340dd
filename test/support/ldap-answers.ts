import type { LdapServerHandler, LdapServerReply, LdapServerRequest } from './ldap-server.ts';
import { SLAPD_SERVICE, SLAPD_USERS } from './slapd.ts';

export type LdapRequestOf<Kind extends LdapServerRequest['kind']> = Extract<LdapServerRequest, { kind: Kind }>;

/** What a test changes in an otherwise well-behaved server; a result of true says that the request has been dealt with. */
export interface LdapOddities {
  serviceBind?(request: LdapRequestOf<'bind'>, reply: LdapServerReply): boolean;
  userBind?(request: LdapRequestOf<'bind'>, reply: LdapServerReply): boolean;
  search?(request: LdapRequestOf<'search'>, reply: LdapServerReply): boolean;
  extended?(request: LdapRequestOf<'extended'>, reply: LdapServerReply): boolean;
}

export const dnOf = (uid: string) => `uid=${uid},${SLAPD_USERS}`;

/** Attributes of the entry of `uid`. */
export const attributesOf = (uid: string) => ({ entryUUID: [`id-${uid}`], uid: [uid], mail: [`${uid}@example.org`] });

/**
 * A server that knows the service account, finds any `uid` that begins with "u" (also by its DN), lets it in with the password
 * "secret", and takes StartTLS.
 */
export function ldapAnswers(odd: LdapOddities = {}): LdapServerHandler {
  return (request, reply) => {
    const { id } = request;
    switch (request.kind) {
      case 'bind': {
        if (request.dn === SLAPD_SERVICE.dn) {
          if (!odd.serviceBind?.(request, reply)) reply.bind(id, request.password === SLAPD_SERVICE.password ? 0 : 49);
        } else if (!odd.userBind?.(request, reply)) {
          reply.bind(id, request.dn.startsWith('uid=u') && request.password === 'secret' ? 0 : 49);
        }
        break;
      }
      case 'search': {
        if (odd.search?.(request, reply)) break;
        const uid = /\(uid=(u[^)]*)\)/.exec(request.filter)?.[1];
        if (uid !== undefined) reply.entry(id, dnOf(uid), attributesOf(uid));
        reply.done(id);
        break;
      }
      case 'extended': {
        if (odd.extended?.(request, reply)) break;
        reply.extended(id, 0);
        reply.upgrade();
        break;
      }
      default:
        reply.socket.end();
    }
  };
}
