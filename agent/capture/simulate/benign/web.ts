/**
 * People at browsers: pages of popular and rare sites, what content networks serve for them, counters under
 * generated names, a little plain HTTP.
 */
import { dnsType } from '../content/dns.ts'
import { httpTurns } from '../content/http.ts'
import { tlsGoodbye, tlsHandshake, tlsTurn } from '../content/tls.ts'
import type { Talk } from '../conversation.ts'
import type { Lan, Scene } from '../lan.ts'
import type { Random } from '../random.ts'
import type { Station } from '../station.ts'
import type { Name, Site } from '../world.ts'
import { nowAndThen } from './pace.ts'

const agents = ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) Browser/131.0', 'Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Browser/134.0']

export function startWeb(lan: Lan, name: string): void {
  for (const host of [...lan.cast.workstations, ...lan.cast.admins]) {
    const scene = lan.scene(name, host.text)
    // Some read all day, some hardly ever.
    const meanSeconds = scene.random.lognormal(560, 0.4, 1200)
    const favourites = scene.random.several(lan.world.tail, scene.random.whole(2, 7))
    scene.run(nowAndThen(scene, meanSeconds, (at) => visit(scene, host, favourites, at)))
  }
}

/** A few pages of one site. */
function visit(scene: Scene, host: Station, favourites: readonly Site[], startMicros: number): void {
  const { random, lan } = scene
  const site = random.chance(0.8) ? random.zipf(lan.world.popular, 0.8) : random.chance(0.7) ? random.pick(favourites)
    : random.pick(lan.world.tail)
  let at = startMicros
  for (let pages = random.pick([1, 1, 2, 3]); pages > 0; pages--) {
    page(scene, host, site, at)
    at += random.lognormal(25e6, 0.7, 120e6)
  }
}

function page(scene: Scene, host: Station, site: Site, startMicros: number): void {
  const { random, lan } = scene
  const six = site.six && host.address[3] % 2 === 0
  const known = scene.lookup(startMicros, host, site.main, six)
  fetch(scene, host, site, site.main, known, random.whole(1, 4), six)
  const parts = random.several(site.parts, random.whole(Math.min(1, site.parts.length), site.parts.length))
  for (const part of parts) fetch(scene, host, site, part, scene.lookup(known + random.between(40e3, 600e3), host, part),
    random.whole(1, 3), false)
  if (random.chance(0.22)) {
    // Counters make a name per view: unique, long, random, and asked by everybody.
    const label = random.text(random.whole(24, 32), '0123456789abcdef')
    scene.ask(known + random.between(300e3, 1500e3), host,
      `${label}.${random.pick(['px', 'sync', 'eu'])}.${random.pick(lan.world.counters)}`, dnsType.a,
      [{ type: dnsType.a, ttlSeconds: 5, data: lan.world.telemetry.station.address }], 0, random.between(8000, 60000))
  }
}

function fetch(scene: Scene, host: Station, site: Site, target: Name, startMicros: number, objects: number, six: boolean): void {
  const { random } = scene
  const rate = random.between(1.5e6, 9e6)
  const lingerMicros = random.chance(0.75) ? random.lognormal(1.6e6, 0.9, 9e6) : random.between(10e6, 62e6)
  scene.tcp({
    startMicros, initiator: host, responder: target.station, responderPort: site.tls ? 443 : 80, six, octetsPerSecond: rate,
    turns: site.tls ? secure(random, site, target, objects, host) : plain(random, site, target, objects, host),
    lingerMicros, ending: random.pick(['fin0', 'fin0', 'fin1', 'rst0']),
  })
}

function* secure(random: Random, site: Site, target: Name, objects: number, host: Station): Talk {
  yield* tlsHandshake(random, target.name, host.windows ? (host.address[3] % 3 === 0 ? 'browser-2' : 'browser') : 'browser-2',
    random.whole(280, 900), site.certificate)
  yield tlsTurn(1, random.lognormal(site.weight, 1, 200e3) + 300, random.lognormal(30e3, 0.8, 2e6))
  for (let i = 1; i < objects; i++) {
    yield tlsTurn(0, random.whole(90, 500), random.lognormal(150e3, 1.2, 9e6))
    yield tlsTurn(1, random.lognormal(site.weight, 1.1, 200e3) + 200, random.lognormal(20e3, 0.8, 2e6))
  }
  yield tlsGoodbye(0, random.between(100, 2000))
}

function* plain(random: Random, site: Site, target: Name, objects: number, host: Station): Talk {
  for (let i = 0; i < objects; i++) {
    yield* httpTurns({
      host: target.name, path: `/${random.text(random.whole(3, 18))}`, agent: host.windows ? agents[0] : agents[1],
        status: random.pick([200, 200, 200, 304, 404]),
      body: random.lognormal(site.weight, 1, 300e3), server: 'nginx', thinkMicros: random.lognormal(30e3, 0.7, 1e6),
        afterMicros: random.lognormal(120e3, 1, 5e6),
    })
  }
}
