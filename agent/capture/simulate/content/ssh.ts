/** SSH as it looks from outside (RFC 4253): banners, key exchange in plain text, then encrypted packets. */
import { Octets, octetsOf } from './bytes.ts'
import type { Talk, Turn } from '../conversation.ts'
import type { Random } from '../random.ts'

const lists = {
  kex: 'curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group16-sha512,diffie-hellman-group14-sha256',
  key: 'ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256',
  cipher: 'chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com',
  mac: 'umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha1',
  compression: 'none,zlib@openssh.com',
}

/** An unencrypted binary packet: length, padding length, payload, padding to a multiple of 8. */
function packet(payload: Uint8Array, random: Random): Uint8Array {
  const padding = 4 + (8 - (payload.length + 9) % 8) % 8
  return new Octets().u32(payload.length + padding + 1).u8(padding).raw(payload).raw(random.bytes(padding)).done()
}

function kexInit(random: Random): Uint8Array {
  const out = new Octets().u8(20).raw(random.bytes(16))
  const { kex, key, cipher, mac, compression } = lists
  for (const list of [kex, key, cipher, cipher, mac, mac, compression, compression, '', '']) out.sized(4, () => out.text(list))
  return packet(out.u8(0).u32(0).done(), random)
}

export const sshClients = { openssh: 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3', putty: 'SSH-2.0-PuTTY_Release_0.81',
  library: 'SSH-2.0-libssh2_1.10.0' } as const

/** Banner and key exchange, up to where everything is encrypted. */
export function* sshHandshake(random: Random, client: string): Talk {
  const say = (from: 0 | 1, head: Uint8Array, afterMicros: number): Turn => ({ from, octets: head.length, head, afterMicros })
  yield say(0, octetsOf(`${client}\r\n`), random.between(100, 700))
  yield say(1, octetsOf('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n'), random.between(3000, 18000))
  yield say(0, kexInit(random), random.between(300, 2000))
  yield say(1, kexInit(random), random.between(300, 2000))
  const init = new Octets().u8(30)
  yield say(0, packet(init.sized(4, () => init.raw(random.bytes(32))).done(), random), random.between(600, 3000))
  const reply = new Octets().u8(31)
  reply.sized(4, () => reply.sized(4, () => reply.text('ssh-ed25519')).sized(4, () => reply.raw(random.bytes(32))))
    .sized(4, () => reply.raw(random.bytes(32)))
    .sized(4, () => reply.sized(4, () => reply.text('ssh-ed25519')).sized(4, () => reply.raw(random.bytes(64))))
  const answer = new Octets().raw(packet(reply.done(), random)).raw(packet(new Uint8Array([21]), random)).done()
  yield { from: 1, octets: answer.length + 280, head: answer, afterMicros: random.between(3000, 9000) }
  const keys = packet(new Uint8Array([21]), random)
  yield { from: 0, octets: keys.length + 44, head: keys, afterMicros: random.between(1000, 6000) }
  yield { from: 1, octets: 44, afterMicros: random.between(100, 900) }
}

/** One password tried: the request, and the answer after the server's own delay. */
export function* sshPassword(random: Random, right: boolean, typingMicros: number): Talk {
  yield { from: 0, octets: random.pick([84, 148]), afterMicros: typingMicros }
  yield { from: 1, octets: right ? 28 : 52, afterMicros: right ? random.between(4000, 40000) : random.between(1.6e6, 2.4e6) }
}

/** The request for the user's authentication methods that comes before any password. */
export function* sshUser(random: Random): Talk {
  yield { from: 0, octets: 60, afterMicros: random.between(300, 3000) }
  yield { from: 1, octets: 52, afterMicros: random.between(2000, 9000) }
}

/** Encrypted octets of `plain`: padded to 8, the tag behind, and no tail of a few octets alone in a segment. */
export function sshOctets(plain: number): number {
  const octets = Math.ceil(plain / 8) * 8 + 20
  return octets % 1440 < 64 ? octets + 64 : octets
}

/** Somebody at a terminal for about `durationMicros`: keys and echoes, then output. */
export function* sshTyping(random: Random, durationMicros: number): Talk {
  yield { from: 0, octets: 112, afterMicros: random.between(1000, 5000) }
  yield { from: 1, octets: sshOctets(random.whole(500, 1600)), afterMicros: random.between(20000, 300000) }
  let left = durationMicros
  while (left > 0) {
    const pause = Math.min(95e6, random.lognormal(9e6, 1.1))
    for (let keys = random.whole(2, 7), first = true; keys > 0; keys--, first = false) {
      const after = first ? pause : random.between(70000, 330000)
      yield { from: 0, octets: random.pick([36, 36, 36, 44, 52]), afterMicros: after }
      yield { from: 1, octets: random.pick([36, 36, 44, 60]), afterMicros: random.between(500, 4000) }
      left -= after
    }
    yield { from: 0, octets: 36, afterMicros: random.between(90000, 400000) }
    yield { from: 1, octets: sshOctets(random.lognormal(420, 1.2, 24000)), afterMicros: random.between(3000, 400000) }
  }
}
