import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Client } from 'ldapts';

/**
 * What nginx's mail proxy asks about each login: checks the password by a bind as the user and names the mail server. Connections to the
 * directory are kept and bound again.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    ldap: { type: 'string' },
    people: { type: 'string' },
    store: { type: 'string' },
  },
});
const idle: Client[] = [];

async function passwordFits(user: string, password: string): Promise<boolean> {
  if (!/^[\w.-]+$/.test(user) || password === '') return false;
  const client =
    idle.pop() ?? new Client({ url: `ldap://127.0.0.1:${values.ldap}`, timeout: 5000, connectTimeout: 5000 });
  try {
    await client.bind(`uid=${user},${values.people}`, password);
    idle.push(client);
    return true;
  } catch {
    await client.unbind().catch(() => {});
    return false;
  }
}

function header(value: string | string[] | undefined): string {
  return typeof value === 'string' ? decodeURIComponent(value) : '';
}

createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
  const fits = await passwordFits(header(request.headers['auth-user']), header(request.headers['auth-pass']));
  response.writeHead(
    200,
    fits
      ? { 'Auth-Status': 'OK', 'Auth-Server': '127.0.0.1', 'Auth-Port': values.store ?? '' }
      : { 'Auth-Status': 'Invalid login or password' },
  );
  response.end();
}).listen(Number(values.port), '127.0.0.1', 4096);
