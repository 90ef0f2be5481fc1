/** Flows as a table; on a narrow screen each row becomes a block. All text comes from the network and is shown as text. */
import type { ArchivedFlow } from '../../store/archive.ts'
import { count, duration, endpoint, octets, protocolName, timeOfDay, dateTime, visible } from '../format.ts'
import { utc } from '../preference.ts'
import { Datum } from './text.tsx'

const stateWords: Readonly<Record<string, string>> = {
  S0: 'no answer', REJ: 'refused', SF: 'complete', S1: 'open', RSTO: 'reset by initiator', RSTR: 'reset by responder', S2: 'initiator closed', S3: 'responder closed',
  RSTOS0: 'SYN then reset', RSTRH: 'SYN-ACK then reset', SH: 'SYN then FIN', SHR: 'SYN-ACK then FIN', OTH: 'seen midway',
}
const failed = new Set(['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR'])

const nameOf = (flow: ArchivedFlow): string => flow.serverName !== '' ? flow.serverName : flow.dns[0]?.query ?? ''

function FlowRow({ flow, subject }: { flow: ArchivedFlow, subject: string }): preact.JSX.Element {
  const name = nameOf(flow)
  const address = (side: string, port: number, label: string): preact.JSX.Element =>
    <td class={side === subject ? 'address subject' : 'address'} data-label={label}><Datum value={endpoint(side, port, flow.protocol)} /></td>
  return (
    <tr>
      <td class="when" data-label="start"><time title={dateTime(flow.startMicros, utc.value)}>{timeOfDay(flow.startMicros, utc.value)}</time></td>
      {address(flow.initiatorAddress, flow.initiatorPort, 'from')}
      {address(flow.responderAddress, flow.responderPort, 'to')}
      <td class="brief" data-label="protocol">{protocolName(flow.protocol)}{flow.application === '' ? '' : <> <span class="app"><bdi>{visible(flow.application)}</bdi></span></>}</td>
      <td data-label="state" class={failed.has(flow.connState) ? 'brief failed' : 'brief'}><abbr title={stateWords[flow.connState] ?? ''}>{flow.connState}</abbr></td>
      <td class="digits" data-label="packets">{count(flow.initiatorPackets)} / {count(flow.responderPackets)}</td>
      <td class="digits wide" data-label="octets">{octets(flow.initiatorOctets)} / {octets(flow.responderOctets)}</td>
      <td class="digits" data-label="lasted">{duration(flow.endMicros - flow.startMicros)}</td>
      <td class="digits narrow" data-label="score">{flow.edgeScore === undefined ? '–' : flow.edgeScore.toFixed(2).replace(/^0/, '')}</td>
      <td class="name" data-label="name" title={visible(name)}>{name === '' ? '' : <Datum value={name} />}</td>
    </tr>
  )
}

export function FlowTable({ flows, subject }: { flows: readonly ArchivedFlow[], subject: string }): preact.JSX.Element {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Flows of this alert">
      <table class="flows">
        <thead>
          <tr>
            <th scope="col">start</th><th scope="col">from</th><th scope="col">to</th><th scope="col">protocol</th><th scope="col">state</th>
            <th scope="col" class="digits">packets</th><th scope="col" class="digits">octets out / in</th><th scope="col" class="digits">lasted</th><th scope="col" class="digits">score</th><th scope="col">name</th>
          </tr>
        </thead>
        <tbody>{flows.map((flow) => <FlowRow key={`${flow.stream} ${flow.boot} ${flow.number}`} flow={flow} subject={subject} />)}</tbody>
      </table>
    </div>
  )
}
