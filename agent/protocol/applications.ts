/**
 * Protocols told by their first payload octets. The index is what a flow record holds; the list only grows at its
 * end.
 */
export const applications = [
  '', 'dns', 'mdns', 'llmnr', 'tls', 'http', 'http2', 'ssh', 'smtp', 'ftp', 'imap', 'pop3', 'smb', 'rdp', 'ntp', 'dhcp', 'quic', 'snmp',
] as const
export type Application = typeof applications[number]

/** Index of each application. */
export const application = {
  none: 0, dns: 1, mdns: 2, llmnr: 3, tls: 4, http: 5, http2: 6, ssh: 7, smtp: 8, ftp: 9, imap: 10, pop3: 11, smb: 12,
  rdp: 13, ntp: 14, dhcp: 15, quic: 16, snmp: 17,
} as const
