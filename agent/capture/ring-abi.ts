/**
 * The kernel's side of live capture: numbers and layouts of packet sockets with a version-3 ring (linux/if_packet.h,
 * packet(7), Documentation/networking/packet_mmap.rst), and the dozen calls of libc that are needed, through koffi. The
 * layouts are those of 64-bit little-endian machines (x64, arm64). Only this folder and `proto/process` touch koffi; it
 * is loaded when a ring is opened, not before.
 */
import { VedetteError } from '../../proto/error.ts'

export const packet = {
  family: 17, raw: 3, allProtocols: 0x0003, level: 263,
  addMembership: 1, rxRing: 5, statistics: 6, version: 10, version3: 2, promiscuous: 1, outgoing: 4,
} as const

export const socketOption = { level: 1, error: 4, attachFilter: 26 } as const
export const pollEvent = { in: 1, error: 8, hangUp: 16, invalid: 32 } as const

/** Words (4 octets) of a block's header: struct tpacket_block_desc. */
export const blockWord = { status: 2, packets: 3, firstPacket: 4 } as const
/** The block belongs to this process (TP_STATUS_USER). */
export const blockReady = 1

/**
 * Words of a frame's header (struct tpacket3_hdr, 48 octets, then struct sockaddr_ll); `macNet` holds two 16-bit
 * offsets.
 */
export const frameWord = {
  next: 0, seconds: 1, nanoseconds: 2, captured: 3, wire: 4, status: 5, macNet: 6, vlan: 8, deviceType: 14,
} as const
/** The frame had a VLAN tag, which the kernel took off (TP_STATUS_VLAN_VALID). */
export const vlanValid = 16

/**
 * Device types (linux/if_arp.h) whose frames begin with what their link type says. Of any other type the frame is taken
 * from its IP header on.
 */
export const deviceLinks: ReadonlyMap<number, number> = new Map([[1, 1], [772, 1], [801, 105], [802, 119], [803, 127]])
export const loopbackDevice = 772
export const rawLink = 101

/** Where libc is: glibc, then musl. */
const names = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1']

export type Libc = {
  socket(): number
  set(fd: number, level: number, name: number, value: Uint8Array): number
  /** Octets filled, or -1. */
  get(fd: number, level: number, name: number, value: Uint8Array): number
  bind(fd: number, address: Uint8Array): number
  /** A shared mapping of the socket's ring; undefined when it fails. */
  map(fd: number, length: number): { address: bigint, memory: ArrayBuffer } | undefined
  unmap(address: bigint, length: number): void
  close(fd: number): void
  interfaceIndex(name: string): number
  /** Waits on another thread; gives poll's own result. `fds` must not lie in the JavaScript heap (see `outside`). */
  poll(fds: Uint8Array, count: number, timeoutMs: number): Promise<number>
  /** Address of memory that a kernel structure points to. */
  address(bytes: Uint8Array): bigint
  errno(): number
}

/** The same calls as libc has them. */
type Native = {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number
  bind(fd: number, address: Uint8Array, length: number): number
  mmap(at: null, length: number, protection: number, flags: number, fd: number, offset: number): bigint
  poll: { async(fds: Uint8Array, count: number, timeoutMs: number, done: (error: unknown, result: number) => void): void }
}

/**
 * Zeroed memory that the collector of garbage does not move, so that the kernel may write to it from another thread.
 */
export const outside = (length: number): Uint8Array => new Uint8Array(new ArrayBuffer(length))

/** 32-bit numbers as the kernel wants them. */
export function int32s(...values: number[]): Uint8Array {
  const bytes = outside(values.length * 4)
  new Int32Array(bytes.buffer).set(values)
  return bytes
}

/** Throws E_PLATFORM where there are no packet sockets, or where the layouts would be others. */
export async function loadLibc(): Promise<Libc> {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    const here = `${process.platform} on ${process.arch}`
    throw new VedetteError('E_PLATFORM', `live capture needs Linux on x64 or arm64, not ${here}`, 'Capture with another tool and replay its files')
  }
  const { default: koffi } = await import('koffi')
  const libc = openFirst(names, (name) => koffi.load(name))
  if (libc === undefined) throw new VedetteError('E_PLATFORM', 'no libc was found that live capture could use')
  const socket = libc.func('int socket(int, int, int)') as Native['socket']
  const setsockopt = libc.func('int setsockopt(int, int, int, const void*, uint)') as Native['setsockopt']
  const getsockopt = libc.func('int getsockopt(int, int, int, void*, void*)') as Native['getsockopt']
  const bind = libc.func('int bind(int, const void*, uint)') as Native['bind']
  const mmap = libc.func('void* mmap(void*, size_t, int, int, int, long)') as Native['mmap']
  const munmap = libc.func('int munmap(void*, size_t)') as (address: bigint, length: number) => number
  const close = libc.func('int close(int)') as (fd: number) => number
  const ifNameToIndex = libc.func('uint if_nametoindex(const char*)') as (name: string) => number
  const poll = libc.func('int poll(void*, ulong, int)') as Native['poll']
  return {
    socket: () => socket(packet.family, packet.raw, 0),
    set: (fd, level, name, value) => setsockopt(fd, level, name, value, value.length),
    get: (fd, level, name, value) => {
      const length = int32s(value.length)
      return getsockopt(fd, level, name, value, length) < 0 ? -1 : new Int32Array(length.buffer)[0]
    },
    bind: (fd, address) => bind(fd, address, address.length),
    map: (fd, length) => {
      // PROT_READ | PROT_WRITE, MAP_SHARED; failure is the pointer -1.
      const address = mmap(null, length, 3, 1, fd, 0)
      return address === 0xffffffffffffffffn ? undefined : { address, memory: koffi.view(address, length) }
    },
    unmap: (address, length) => { munmap(address, length) },
    close: (fd) => { close(fd) },
    interfaceIndex: (name) => ifNameToIndex(name),
    poll: (fds, count, timeoutMs) => new Promise((resolve, reject) => {
      poll.async(fds, count, timeoutMs, (error, result) => {
        if (error instanceof Error) reject(error)
        else resolve(result)
      })
    }),
    address: (bytes) => koffi.address(bytes),
    errno: () => koffi.errno(),
  }
}

/** The first library of the list that opens. */
export function openFirst<T>(candidates: readonly string[], load: (name: string) => T): T | undefined {
  for (const name of candidates) {
    try {
      return load(name)
    } catch { /* the next one */ }
  }
  return undefined
}
