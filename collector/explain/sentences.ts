/**
 * One sentence per detector, from the facts of a detection, and what an analyst would do next. Every piece of text has
 * been made inert before.
 */
import { counted, decimal, duration, estimated, number, octets } from './words.ts'
import type { UsualRange } from '../../proto/alert.ts'

/** What a sentence is made of: the two sides by name, the facts, the usual range, the window. */
export type Told = {
  entity: string
  peer: string
  facts: ReadonlyMap<string, string | number | boolean>
  usual: UsualRange | undefined
  windowMicros: number
  entityAddress: string
  peerAddress: string
}

export type Phrases = { sentence: (told: Told) => string, nextSteps: (told: Told) => string[] }

const count = ({ facts }: Told, name: string): number => Number(facts.get(name) ?? 0)
const text = ({ facts }: Told, name: string): string => String(facts.get(name) ?? '')
const is = ({ facts }: Told, name: string): boolean => facts.get(name) === true

/** "Its usual maximum is 3.", or why there is none. */
function usually(told: Told): string {
  const { usual } = told
  if (!is(told, 'internal')) return 'It is outside, so no usual range is kept for it.'
  if (usual === undefined || usual.windows === 0) return 'There is no history of this host yet.'
  if (usual.learning) return `Its usual maximum so far is ${number(usual.maximum)} (still learning, ${duration(usual.windows * 600)} of history).`
  return `Its usual maximum is ${number(usual.maximum)}.`
}

const flowsOf = (query: Record<string, string>): string => `/v1/flows?${new URLSearchParams(query).toString()}`

export const phrases: ReadonlyMap<string, Phrases> = new Map<string, Phrases>([
  ['port-scan', {
    sentence: (told) => `${told.entity} tried ${estimated(count(told, 'tried'), 'port')} on ${told.peer} in ${duration(told.windowMicros / 1e6)}; ${number(count(told, 'failed'))} failed. ${usually(told)}`,
    nextSteps: (told) => [
      `Ask who runs ${told.entity}: is a vulnerability scan or an inventory planned?`,
      `See which ports answered, and what was said there: ${flowsOf({ initiator: told.entityAddress, responder: told.peerAddress })}`,
      `See whether it tried other hosts: ${flowsOf({ initiator: told.entityAddress })}`,
    ],
  }],
  ['brute-force', {
    sentence: (told) => {
      const attempts = `${told.entity} made ${counted(count(told, 'attempts'), `short ${text(told, 'service')} connection`)} to ${told.peer} (port ${text(told, 'port')}) in ${duration(told.windowMicros / 1e6)}`
      if (!is(told, 'succeeded')) return `${attempts}. ${usually(told)}`
      const session = `one of ${duration(count(told, 'sessionSeconds'))} and ${octets(count(told, 'sessionOctets'))}`
      return `${attempts}, then ${session}: the guessing probably succeeded. ${usually(told)}`
    },
    nextSteps: (told) => [
      ...(is(told, 'succeeded') ? [`Treat an account on ${told.peer} as taken over: end its sessions, change its password, keep the host's log.`] : []),
      `Read the authentication log of ${told.peer} for ${told.entityAddress}: which accounts, did one log in?`,
      `See the connections: ${flowsOf({ initiator: told.entityAddress, responder: told.peerAddress, port: text(told, 'port') })}`,
      `See what ${told.peer} did afterwards: ${flowsOf({ initiator: told.peerAddress })}`,
    ],
  }],
  ['dns-tunnel', {
    sentence: (told) => {
      const hosts = count(told, 'hosts')
      const prevalence = hosts <= 1 ? 'no other host uses this domain' : `${number(hosts)} hosts use this domain`
      const shape = `the longest labels have ${decimal(count(told, 'labelLength'))} characters on average, the names ${decimal(count(told, 'entropy'))} bits per character`
      return `${told.entity} asked for ${estimated(count(told, 'names'), 'different name')} below ${told.peer} in ${duration(told.windowMicros / 1e6)}; ${shape}; ${prevalence}. ${usually(told)}`
    },
    nextSteps: (told) => [
      `Find the program on ${told.entity} that asks: a DNS log or an endpoint tool names it.`,
      `Look the domain ${told.peer} up: age, owner, name servers.`,
      `See its DNS flows: ${flowsOf({ initiator: told.entityAddress, port: '53' })}`,
      `If nobody can explain it, block the domain at the resolver and isolate the host.`,
    ],
  }],
])
