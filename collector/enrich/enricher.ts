/**
 * What a flow's addresses mean here: internal or external, and which batch it came from. Takes ownership of the decoded
 * flow and adds to it instead of copying sixty fields. Loses nothing, never blocks. The cache is bounded: two
 * generations of 32,768 addresses, the older one forgotten when the newer is full. Asset names, GeoIP and threat lists
 * join here.
 */
import { formatAddress, inNetworks, parseAddress, parseNetwork } from '../../proto/address.ts'
import { VedetteError } from '../../proto/error.ts'
import type { Flow, FlowBatch } from '../../proto/flow.ts'

/** The part of a batch's header that its flows carry on. */
export type BatchOrigin = Pick<FlowBatch, 'stream' | 'sensor' | 'boot' | 'run' | 'modelHash'>

/** A flow that knows where it came from and which side is inside. */
export type EnrichedFlow = Flow & {
  stream: string
  sensor: string
  boot: string
  run: string
  modelHash: string
  initiatorInternal: boolean
  responderInternal: boolean
}

export type EnricherOptions = {
  /** Networks that are ours: '10.0.0.0/8', '192.0.2.7'. */
  internal: readonly string[]
}

export type Enricher = (origin: BatchOrigin, flow: Flow) => EnrichedFlow

const cacheLimit = 32_768

/** Makes the enricher. Throws E_CONFIG when a network is not one. */
export function createEnricher(options: EnricherOptions): Enricher {
  const networks = options.internal.map((text) => {
    const network = parseNetwork(text)
    if (network === undefined) throw new VedetteError('E_CONFIG', `internal: '${text}' is not a network`, 'Write it as 10.0.0.0/8 or 2001:db8::/32')
    return network
  })
  let fresh = new Map<string, boolean>()
  let old = new Map<string, boolean>()
  const internal = (address: string): boolean => {
    const known = fresh.get(address)
    if (known !== undefined) return known
    const answer = old.get(address) ?? inNetworks(unmapped(address), networks)
    if (fresh.size >= cacheLimit) {
      old = fresh
      fresh = new Map()
    }
    fresh.set(address, answer)
    return answer
  }
  return (origin, flow) => {
    const seen = flow as EnrichedFlow
    seen.stream = origin.stream
    seen.sensor = origin.sensor
    seen.boot = origin.boot
    seen.run = origin.run
    seen.modelHash = origin.modelHash
    seen.initiatorInternal = internal(flow.initiatorAddress)
    seen.responderInternal = internal(flow.responderAddress)
    return seen
  }
}

/** An IPv4 address mapped into IPv6 (RFC 4291, 2.5.5.2) belongs where the IPv4 address belongs. */
function unmapped(address: string): string {
  if (!address.startsWith('::ffff:')) return address
  const bytes = parseAddress(address)
  return bytes?.length === 16 ? formatAddress(bytes, 12, 4) : address
}
