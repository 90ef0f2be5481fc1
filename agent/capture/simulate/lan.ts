/**
 * The stage: clock, wire, cast and world, and for each behaviour a `Scene` with its own chance and count, through which it speaks.
 * Attack scenes use ports, chance and DNS answers of their own, so that the benign traffic is the same without them.
 */
import { playDatagrams, playFrame } from './datagram.ts'
import { dnsAnswer, dnsQuery, dnsType } from './content/dns.ts'
import type { DnsAnswer } from './content/dns.ts'
import type { Conversation, IcmpConversation, TcpConversation, UdpConversation } from './conversation.ts'
import { makeCast } from './hosts.ts'
import type { Cast } from './hosts.ts'
import { Lane } from './lane.ts'
import type { FullOptions } from './options.ts'
import { Pool } from './pool.ts'
import { Random } from './random.ts'
import { Schedule } from './schedule.ts'
import type { Scripted } from './schedule.ts'
import type { Station } from './station.ts'
import { Tally } from './tally.ts'
import { playTcp } from './tcp.ts'
import { Wire } from './wire.ts'
import { makeWorld } from './world.ts'
import type { Name, World } from './world.ts'

/** Ephemeral ports: benign conversations below, attacks above, so that neither shifts the other's. */
export const ephemeral = { benign: [49152, 60999], attack: [61000, 65400] } as const

type Defaults<T, Optional extends keyof T> = Omit<T, 'kind' | 'tally' | Optional> & Partial<Pick<T, Optional>>

export class Lan {
  readonly options: FullOptions
  readonly random: Random
  readonly cast: Cast
  readonly world: World
  readonly wire: Wire
  readonly schedule = new Schedule()
  readonly tallies = new Map<string, Tally>()
  /** Answers that hosts remember: host and name -> when it is forgotten. */
  readonly remembered = new Map<string, number>()
  private readonly pool: Pool
  private readonly ports = new Map<string, number>()

  constructor(options: FullOptions) {
    this.options = options
    this.random = new Random(`vedette office ${options.seed}`)
    this.cast = makeCast(this.random.fork('cast'), options.hosts)
    this.world = makeWorld(this.random.fork('world'), this.cast)
    this.pool = new Pool(this.random.fork('pool'))
    this.wire = new Wire(options.startMicros, options.endMicros)
  }

  get startMicros(): number { return this.options.startMicros }
  get endMicros(): number { return this.options.endMicros }

  /** A scene of behaviour `name`; `part` tells several of them apart, for instance by host. */
  scene(name: string, part = '', attack = false): Scene {
    let tally = this.tallies.get(name)
    if (tally === undefined) this.tallies.set(name, tally = new Tally())
    return new Scene(this, this.random.fork(`${name}/${part}`), tally, attack)
  }

  play(conversation: Conversation, random: Random): void {
    if (conversation.kind === 'frame') { this.schedule.add(playFrame(this.wire, conversation)); return }
    const lane = new Lane(this.wire, this.pool, this.cast.gateway, conversation, random)
    this.schedule.add(conversation.kind === 'tcp' ? playTcp(lane, conversation, random) : playDatagrams(lane, conversation))
  }

  /** The host's next ephemeral port. */
  port(host: Station, attack: boolean): number {
    const [low, high] = attack ? ephemeral.attack : ephemeral.benign
    const key = attack ? `${host.text} attack` : host.text
    const known = this.ports.get(key)
    const port = known === undefined ? low + (host.address[3] * 37 + host.address[2] * 11) % (high - low) : known >= high
      ? low : known + 1
    this.ports.set(key, port)
    return port
  }
}

export class Scene {
  readonly lan: Lan
  readonly random: Random
  readonly tally: Tally
  private readonly attack: boolean
  private conversations = 0

  constructor(lan: Lan, random: Random, tally: Tally, attack: boolean) {
    this.lan = lan
    this.random = random
    this.tally = tally
    this.attack = attack
  }

  /** Starts the behaviour's script. */
  run(script: Scripted): void {
    this.lan.schedule.add(script)
  }

  /** Plays a TCP conversation; by default a whole one that the initiator closes. Gives the initiator's port. */
  tcp(c: Defaults<TcpConversation, 'initiatorPort' | 'opening' | 'ending' | 'turns'>): number {
    const initiatorPort = c.initiatorPort ?? this.lan.port(c.initiator, this.attack)
    this.play({ kind: 'tcp', tally: this.tally, opening: 'handshake', ending: 'fin0', turns: [], ...c, initiatorPort })
    return initiatorPort
  }

  /** Plays a UDP conversation. Gives the initiator's port. */
  udp(c: Defaults<UdpConversation, 'initiatorPort'>): number {
    const initiatorPort = c.initiatorPort ?? this.lan.port(c.initiator, this.attack)
    this.play({ kind: 'udp', tally: this.tally, ...c, initiatorPort })
    return initiatorPort
  }

  icmp(c: Omit<IcmpConversation, 'kind' | 'tally'>): void {
    this.play({ kind: 'icmp', tally: this.tally, ...c })
  }

  frame(startMicros: number, bytes: Uint8Array): void {
    this.play({ kind: 'frame', startMicros, bytes, tally: this.tally })
  }

  /** One question to the office's resolver and its answer, as a UDP flow of its own. Gives the time the answer passes. */
  ask(micros: number, host: Station, name: string, type: number, answers: readonly DnsAnswer[], rcode = 0,
    thinkMicros = this.random.between(200, 900)): number {
    const { resolver } = this.lan.cast
    const id = this.random.whole(0, 0xffff)
    const offsetMicros = 2 * resolver.delayMicros + thinkMicros
    this.udp({ startMicros: micros, initiator: host, responder: resolver, responderPort: 53,
      datagrams: [{ from: 0, offsetMicros: 0, payload: dnsQuery(id, name, type, !host.windows) },
        { from: 1, offsetMicros, payload: dnsAnswer(id, name, type, answers, rcode) }] })
    return micros + offsetMicros
  }

  /** Looks a name up unless the host remembers it: A, and often AAAA beside it. Gives the time at which the host knows the address. */
  lookup(micros: number, host: Station, { name, station, ttlSeconds }: Name, six = false): number {
    const key = `${host.text} ${name}`
    if (!this.attack) {
      if ((this.lan.remembered.get(key) ?? 0) > micros) return micros
      this.lan.remembered.set(key, micros + ttlSeconds * 1e6)
    }
    const think = this.random.chance(0.6) ? this.random.between(200, 900) : this.random.lognormal(24000, 0.6, 400000)
    const known = this.ask(micros, host, name, dnsType.a, [{ type: dnsType.a, ttlSeconds, data: station.address }], 0, think)
    if (six || this.random.chance(0.45)) {
      this.ask(micros + this.random.between(30, 400), host, name, dnsType.aaaa,
        six ? [{ type: dnsType.aaaa, ttlSeconds, data: station.address6 }] : [], 0, think * 1.1)
    }
    return known + 2 * host.delayMicros + this.random.between(100, 600)
  }

  private play(conversation: Conversation): void {
    this.lan.play(conversation, this.random.fork(`c${this.conversations++}`))
  }
}
