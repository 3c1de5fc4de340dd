/** A short example of each section; together they are one valid configuration, which a test loads. */
export const sectionExamples: Readonly<Record<string, string>> = {
  server: `server:
  name: mail.example.org
  data: /var/lib/postern`,

  log: `log:
  level: info
  file: /var/log/postern/postern.log
  audit: { file: /var/log/postern/audit.log }`,

  admin: `admin:
  socket: /run/postern/admin.sock
  http: "127.0.0.1:9143"`,

  listeners: `listeners:
  - { address: "[::]:993", tls: implicit }
  - { address: "[::]:143", tls: starttls }
  - name: behind-balancer
    address: "10.0.0.5:1993"
    tls: implicit
    proxy_protocol: { from: ["10.0.0.0/24"] }`,

  tls: `tls:
  minimum: TLSv1.2
  certificates:
    - { certificate: /etc/postern/mail.crt, key: /etc/postern/mail.key }`,

  limits: `limits:
  connections: 20000
  per_address: 200
  authenticate: 60s
  literal: 100m`,

  directories: `directories:
  corp:
    kind: ldap
    servers: ["ldap1.example.org", "ldap2.example.org:1636"]
    bind: { dn: "cn=postern,ou=services,dc=example,dc=org", password: { file: /run/secrets/ldap } }
    users:
      base: "ou=people,dc=example,dc=org"
      filter: "(&(objectClass=inetOrgPerson)(|(uid={login})(mail={login})))"
  emergency:
    kind: static
    file: /etc/postern/users.yaml`,

  authentication: `authentication:
  directories: [emergency, corp]
  login: { default_domain: example.org, case: lower }
  cache: { ttl: 5m, outage: 0 }
  shield: { remember: 24h, budget: { tries: 3, within: 30m } }
  throttle: { delay: 500ms, maximum: 15s, exempt: ["192.0.2.10"] }`,

  upstreams: `upstreams:
  old:
    servers: ["old1.example.org", "old2.example.org:1993"]
    login: { as: user }
  archive:
    servers: ["archive.example.org"]
    tls: starttls
    login: { as: master, name: "{local}", user: postern, password: { env: ARCHIVE_PASSWORD } }
    pass_client_address: [id]`,

  stores: `stores:
  local:
    create: first-login
    folders: { Drafts: drafts, Sent: sent, Junk: junk, Trash: trash, Archive: archive, Notes: none }
    snapshots: { every: 12h, keep: 4 }`,

  routes: `routes:
  - when: { host: archive.example.org, domain: [example.org, example.net] }
    relay: archive
  - when: { group: "cn=mail,ou=groups,dc=example,dc=org" }
    relay: old
  - when: { group: "cn=new,ou=groups,dc=example,dc=org" }
    store: local
  - refuse: "Your mailbox is not set up yet; please call the help desk."`,
};
