/** The channels, and how each is made from its part of the configuration. */
import { VedetteError } from '../../proto/error.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import { LogChannel } from './log.ts'
import { WebhookChannel } from './webhook.ts'
import type { Channel } from './channel.ts'
import type { WebhookOptions } from './webhook.ts'

export type ChannelParts = { clock: Clock, log: Logger }
/** One channel of the configuration: its kind, and what the kind needs. */
export type ChannelOptions = { kind: string, url?: string, secret?: string, timeoutMs?: number }

/** Kind -> how to make it. */
const channels: ReadonlyMap<string, (name: string, options: ChannelOptions, parts: ChannelParts) => Channel> = new Map([
  ['webhook', (name: string, { url = '', secret = '', timeoutMs }: ChannelOptions, parts: ChannelParts): Channel => {
    const options: WebhookOptions = { url, secret, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
    return new WebhookChannel(name, options, parts)
  }],
  ['log', (name: string, _: ChannelOptions, parts: ChannelParts): Channel => new LogChannel(name, parts)],
])

export const channelKinds = [...channels.keys()]

/** Makes a channel. Throws E_CONFIG for an unknown kind or wrong options. */
export function createChannel(name: string, options: ChannelOptions, parts: ChannelParts): Channel {
  const make = channels.get(options.kind)
  if (make === undefined) throw new VedetteError('E_CONFIG', `channel ${name}: there is no kind '${options.kind}'`, `Known kinds: ${channelKinds.join(', ')}`)
  return make(name, options, parts)
}
