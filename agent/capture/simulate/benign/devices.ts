/** Printers and phones: print jobs on port 9100, SIP keep-alives and short calls on the tagged voice VLAN. */
import { octetsOf } from '../content/bytes.ts'
import { sipOptions } from '../content/text.ts'
import type { Datagrams, Talk } from '../conversation.ts'
import type { Lan } from '../lan.ts'
import type { Random } from '../random.ts'
import { once } from './background.ts'
import { nowAndThen } from './pace.ts'

export function startPrinting(lan: Lan, name: string): void {
  const { cast } = lan
  for (const host of cast.workstations) {
    const scene = lan.scene(name, host.text)
    const { random } = scene
    scene.run(nowAndThen(scene, 7000, (at) => {
      const printer = random.pick(cast.printers)
      const known = scene.lookup(at, host, { name: `${printer.name}.${cast.domain}`, station: printer, ttlSeconds: 1200 })
      scene.tcp({ startMicros: known, initiator: host, responder: printer, responderPort: 9100, octetsPerSecond: 5e6,
        turns: job(random), ending: 'fin0' })
    }))
  }
}

function* job(random: Random): Talk {
  const head = octetsOf('\x1b%-12345X@PJL SET RESOLUTION=600\r\n@PJL ENTER LANGUAGE=PCLXL\r\n')
  yield { from: 0, octets: head.length + Math.round(random.lognormal(30e3, 0.8, 300e3)), head, afterMicros: 900 }
  const done = octetsOf('@PJL USTATUS JOB\r\nEND\r\n\f')
  yield { from: 1, octets: done.length, head: done, afterMicros: random.between(1e6, 9e6) }
}

export function startPhones(lan: Lan, name: string): void {
  const { cast, world } = lan
  const scene = lan.scene(name)
  const { random } = scene
  const exchange = { ...world.outside(random, 'sip.talkline.example'), vlan: -1 }
  cast.phones.forEach((phone, i) => {
    scene.udp({
      startMicros: lan.startMicros + random.between(1e6, 25e6), initiator: phone, initiatorPort: 5060, responder: exchange,
      responderPort: 5060,
      datagrams: alive(random.fork(`alive ${i}`), phone.text, i, exchange.delayMicros, lan.endMicros - lan.startMicros),
    })
  })
  const media = world.outside(random, 'media.talkline.example')
  for (let call = 0; call < 3; call++) {
    const startMicros = lan.startMicros + (lan.endMicros - lan.startMicros) * random.between(0.05, 0.95)
    const source = random.fork(`call ${call}`)
    scene.run(once(startMicros, () => {
      scene.udp({ startMicros, initiator: random.pick(cast.phones), initiatorPort: 16384 + 2 * source.whole(0, 4000),
        responder: media, responderPort: 20000 + 2 * source.whole(0, 4000), datagrams: voice(source, source.between(15, 45)) })
    }))
  }
}

function* alive(random: Random, address: string, phone: number, delayMicros: number,
  durationMicros: number): Datagrams {
  for (let at = 0, sequence = 1000 * (phone + 1); at < durationMicros; at += 60e6 + random.between(-2e5, 2e5), sequence++) {
    const [ask, answer] = sipOptions(`20${phone}`, address, 'sip.talkline.example', sequence)
    yield { from: 0, offsetMicros: at, payload: ask }
    yield { from: 1, offsetMicros: at + 2 * delayMicros + 900, payload: answer }
  }
}

/** RTP with G.711: 160 octets every 20 ms from both sides (RFC 3550, 3551). */
function* voice(random: Random, seconds: number): Datagrams {
  const sources = [random.bits(), random.bits()]
  for (let i = 0; i < seconds * 50; i++) {
    for (const from of [0, 1] as const) {
      const payload = new Uint8Array(172)
      const view = new DataView(payload.buffer)
      view.setUint16(0, 0x8008)
      view.setUint16(2, i & 0xffff)
      view.setUint32(4, i * 160)
      view.setUint32(8, sources[from])
      payload.fill(0xd5 ^ (i & 3), 12)
      yield { from, offsetMicros: i * 20_000 + from * 9000 + random.between(0, 900), payload }
    }
  }
}
