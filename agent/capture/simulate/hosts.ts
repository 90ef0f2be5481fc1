/**
 * The cast inside: an office with a server room, workstations, printers, phones on a tagged voice VLAN, and a neighbouring subnet that is
 * routed but empty. The sensor listens on the core switch, where frames pass once, as their sender wrote them.
 *
 *   10.S.10.0/24 (and .11 for large casts)  workstations, printers      10.S.20.0/24  servers
 *   10.S.30.0/24  phones, VLAN 30                                        10.S.40.0/24  nobody
 */
import { makeStation } from './station.ts'
import type { Random } from './random.ts'
import type { Role, Station } from './station.ts'

export type Cast = {
  /** Second octet of all internal addresses. */
  site: number
  domain: string
  /** Gateways by subnet number, one machine. */
  gateways: ReadonlyMap<number, Station>
  gateway: Station
  resolver: Station
  files: Station
  mail: Station
  application: Station
  database: Station
  backup: Station
  monitor: Station
  jump: Station
  build: Station
  servers: readonly Station[]
  printers: readonly Station[]
  phones: readonly Station[]
  admins: readonly Station[]
  workstations: readonly Station[]
  /** Addresses that configurations still name but nobody has: three servers, two workstations, one in the empty subnet. */
  absent: readonly Station[]
  /** Every host that exists. */
  hosts: readonly Station[]
  /** Internal networks, CIDR. */
  networks: readonly string[]
}

export const subnet = { workstations: 10, servers: 20, voice: 30, empty: 40 } as const

const companies = ['harbour', 'meridian', 'northgate', 'saltmarsh', 'tidewater', 'copperhill', 'larkfield', 'windmere',
  'stonebridge', 'ashdown'] as const
const departments = ['sales', 'finance', 'design', 'legal', 'support', 'people'] as const

/** The cast of this many hosts. */
export function makeCast(random: Random, count: number): Cast {
  const site = random.whole(1, 249)
  const domain = `${random.pick(companies)}.example`
  const prefix6 = [0xfd, ...random.bytes(5)]
  const macs = new Set<number>()
  const mac = (): Uint8Array => {
    let tail = random.bits() & 0xffffff
    while (macs.has(tail)) tail = random.bits() & 0xffffff
    macs.add(tail)
    // Locally administered.
    return new Uint8Array([0x02, 0x1d, random.pick([0x09, 0x4a, 0x70]), tail >>> 16, tail >>> 8 & 255, tail & 255])
  }
  const free = new Map<number, number[]>()
  const place = (net: number): number => {
    let numbers = free.get(net)
    if (numbers === undefined) free.set(net, numbers = random.shuffled(Array.from({ length: 220 }, (_, i) => i + 20)))
    return numbers.pop() ?? 250
  }
  const make = (name: string, role: Role, net: number, last: number, known: Partial<Station> = {}): Station => makeStation({
    name, role, address: new Uint8Array([10, site, net, last]), subnet: net, mac: mac(), delayMicros: random.whole(30, 160),
    address6: new Uint8Array([...prefix6, 0, net, 0, 0, 0, 0, 0, 0, 0, last]), ...known,
  })
  const server = (name: string, role: Role, open: number[], windows = false): Station =>
    make(name, role, subnet.servers, place(subnet.servers), { open, windows, ttl: windows ? 128 : 64, delayMicros: random.whole(20, 60) })

  const gateway = make('gateway', 'gateway', subnet.servers, 1, { open: [22, 443], ttl: 255 })
  const gateways = new Map([subnet.workstations, subnet.workstations + 1, subnet.servers, subnet.voice, subnet.empty].map((net) =>
    [net, net === subnet.servers ? gateway : { ...make('gateway', 'gateway', net, 1, gateway),
      address: new Uint8Array([10, site, net, 1]), subnet: net, text: `10.${site}.${net}.1` }]))
  const resolver = server('dc1', 'domain-controller', [53, 88, 135, 389, 445, 636, 3268, 5985], true)
  const files = server('files1', 'file-server', [135, 445, 5985], true)
  const mail = server('mail1', 'mail-server', [25, 443, 587, 993, 22])
  const application = server('app1', 'application-server', [22, 80, 443])
  const database = server('db1', 'database-server', [22, 5432])
  const backup = server('backup1', 'backup-server', [22, 9102, 9103])
  const monitor = server('monitor1', 'monitoring-server', [22, 443, 3000])
  const jump = server('jump1', 'jump-host', [22])
  const build = server('build1', 'build-server', [22, 443, 8080])
  const servers = [resolver, files, mail, application, database, backup, monitor, jump, build]
  const printers = [1, 2].map((n) => make(`printer${n}`, 'printer', subnet.workstations, place(subnet.workstations),
    { open: [80, 443, 631, 9100], ttl: 255, delayMicros: random.whole(200, 600) }))
  const phones = [1, 2, 3, 4].map((n) => make(`phone${n}`, 'phone', subnet.voice, place(subnet.voice),
    { open: [80], vlan: 30, delayMicros: random.whole(100, 300) }))
  const rest = count - 1 - servers.length - printers.length - phones.length
  const desk = (i: number): number => subnet.workstations + (i < 150 ? 0 : 1)
  const admins = [1, 2, 3, 4].map((n) => make(`adm${n}`, 'admin-workstation', subnet.workstations, place(subnet.workstations),
    { open: [22] }))
  const workstations = Array.from({ length: rest - admins.length }, (_, i) => make(
    `ws-${random.pick(departments)}-${String(i + 1).padStart(2, '0')}`, 'workstation', desk(i), place(desk(i)),
    { windows: true, ttl: 128, open: random.pick([[], [], [445], [135, 445], [445, 3389]]) }))
  const absent = [
    ...['files-old', 'app-old', 'print-old'].map((name) => make(name, 'absent', subnet.servers, place(subnet.servers))),
    ...['ws-spare-01', 'ws-spare-02'].map((name) => make(name, 'absent', subnet.workstations, place(subnet.workstations))),
    make('branch-recorder', 'absent', subnet.empty, 17),
  ]
  const hosts = [gateway, ...servers, ...printers, ...phones, ...admins, ...workstations]
  const networks = [`10.${site}.0.0/16`,
    `${prefix6.map((x) => x.toString(16).padStart(2, '0')).join('').replace(/(.{4})(?=.)/g, '$1:')}::/48`]
  return { site, domain, gateways, gateway, resolver, files, mail, application, database, backup, monitor, jump, build,
    servers, printers, phones, admins, workstations, absent, hosts, networks }
}
