/**
 * Capture filters in tcpdump's language, compiled by libpcap where it is installed. Vedette has no compiler of its own:
 * a language that is nearly tcpdump's would be worse than a clear refusal.
 */
import { VedetteError } from '../../proto/error.ts'
import { openFirst, outside } from './ring-abi.ts'

/** Debian, Ubuntu and Kali; everybody else; development packages. */
const libraries = ['libpcap.so.0.8', 'libpcap.so.1', 'libpcap.so']

/** Instructions as the kernel takes them: struct sock_filter, 8 octets each. */
export type Program = Uint8Array

export type CompileOptions = {
  /** Link type of the frames the program will see. */
  link: number
  snapLength: number
  interface?: string
  /** Names to look for libpcap under. */
  libraries?: readonly string[]
}

type Compile = (handle: bigint, program: Uint8Array, text: string, optimise: number, netmask: number) => number

const instructionOctets = 8
/** PCAP_NETMASK_UNKNOWN: only `ip broadcast` would want one. */
const netmaskUnknown = 0xffffffff

/** A program that passes everything, cut to `snapLength` octets. */
export function snapProgram(snapLength: number): Program {
  const program = outside(instructionOctets)
  const view = new DataView(program.buffer)
  view.setUint16(0, 0x06, true)
  view.setUint32(4, snapLength, true)
  return program
}

/**
 * Compiles `expression` for frames of link type `link`. With `interface` libpcap is asked about the live interface,
 * because only then its program looks for VLAN tags where the kernel keeps them. Throws E_CAPTURE_FILTER with libpcap's
 * words, or when there is no libpcap.
 */
export async function compileFilter(expression: string, options: CompileOptions): Promise<Program> {
  const { default: koffi } = await import('koffi')
  const pcap = openFirst(options.libraries ?? libraries, (name) => koffi.load(name))
  if (pcap === undefined) {
    const advice = 'Install it (Debian: apt install libpcap0.8), or capture without a filter'
    throw new VedetteError('E_CAPTURE_FILTER', 'a filter needs libpcap, which is not installed', advice)
  }
  const create = pcap.func('void* pcap_create(const char*, void*)') as (device: string, error: Uint8Array) => bigint | null
  const activate = pcap.func('int pcap_activate(void*)') as (handle: bigint) => number
  const datalink = pcap.func('int pcap_datalink(void*)') as (handle: bigint) => number
  const setSnapLength = pcap.func('int pcap_set_snaplen(void*, int)') as (handle: bigint, snapLength: number) => number
  const openDead = pcap.func('void* pcap_open_dead(int, int)') as (link: number, snapLength: number) => bigint
  const compile = pcap.func('int pcap_compile(void*, void*, const char*, int, uint)') as Compile
  const words = pcap.func('const char* pcap_geterr(void*)') as (handle: bigint) => string
  const freeCode = pcap.func('void pcap_freecode(void*)') as (program: Uint8Array) => void
  const close = pcap.func('void pcap_close(void*)') as (handle: bigint) => void

  const live = (device: string): bigint | undefined => {
    const handle = create(device, outside(256))
    if (handle === null) return undefined
    setSnapLength(handle, options.snapLength)
    if (activate(handle) >= 0 && datalink(handle) === dataLink(options.link)) return handle
    close(handle)
    return undefined
  }
  const asked = options.interface === undefined ? undefined : live(options.interface)
  const handle = asked ?? openDead(dataLink(options.link), options.snapLength)
  try {
    // struct bpf_program: count of instructions, padding, pointer.
    const program = outside(16)
    const view = new DataView(program.buffer)
    if (compile(handle, program, expression, 1, netmaskUnknown) < 0) {
      const said = `the filter "${expression}" was refused: ${words(handle)}`
      throw new VedetteError('E_CAPTURE_FILTER', said, 'Write it as for tcpdump, see man pcap-filter')
    }
    const octets = view.getUint32(0, true) * instructionOctets
    const copy = outside(octets)
    copy.set(new Uint8Array(koffi.view(view.getBigUint64(8, true), octets)))
    freeCode(program)
    return copy
  } finally {
    close(handle)
  }
}

/** Link type of a file -> libpcap's own number in memory, where they differ (raw IP on Linux). */
function dataLink(link: number): number {
  return link === 101 ? 12 : link
}
