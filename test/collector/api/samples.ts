/** Alerts, flows, ledgers as a demo run leaves them: for the page's tests and for looking at the page while it is built. */
import { newAgentLedger, newCollectorLedger } from '../../../proto/ledger.ts'
import { severityOf } from '../../../proto/alert.ts'
import type { Alert, Evidence, Finding, RiskPart } from '../../../proto/alert.ts'
import type { LedgerReport, RunReport } from '../../../collector/api/options.ts'
import type { ArchivedFlow } from '../../../collector/store/archive.ts'
import { flowOf } from './fake.ts'

export const dayMicros = Date.UTC(2026, 10, 20, 8, 0) * 1000
const minute = 60_000_000
export const boot = '00000000000000aa'

export function alertOf(fields: Partial<Alert> & { id: string }): Alert {
  const risk = fields.risk ?? 60
  return {
    fingerprint: `f-${fields.id}`, detector: 'port-scan', run: 'demo', sensor: 'demo', entityKind: 'host', entity: '10.1.4.7',
    peer: '10.1.2.10', state: 'new',
    risk, severity: severityOf(risk), riskParts: [], firstMicros: dayMicros, lastMicros: dayMicros + 10 * minute,
    raisedMs: Date.UTC(2026, 10, 20, 9),
    updatedMs: Date.UTC(2026, 10, 20, 9), findings: 1, sentence: 'Something happened.', evidence: [], techniques: [],
    nextSteps: [], flows: [],
    versionHash: '9d1c0a77', version: 0, ...fields,
  }
}

const range = (low: number, high: number, maximum: number, windows: number,
  learning = false): NonNullable<Evidence['usual']> => ({ low, high, maximum, windows, learning })
const part = (name: string, points: number, reason: string): RiskPart => ({ name, points, reason })

export const hostileName = 'a\u202Egpj.exe<script>fetch("//evil.example")</script><img src=x onerror=alert(1)>\u0000\u200B'

export function sampleAlerts(): Alert[] {
  const ids = (from: number, count: number): Alert['flows'] =>
    Array.from({ length: count }, (_, index) => ({ stream: 'demo/0', boot, number: from + index }))
  return [
    alertOf({
      id: 'a-brute', detector: 'brute-force', entity: '203.0.113.77', peer: '10.1.2.10', risk: 94,
      firstMicros: dayMicros + 61 * minute, lastMicros: dayMicros + 74 * minute,
      sentence: '203.0.113.77 made 162 short SSH connections to 10.1.2.10 in 10 min, then one that stayed open for 6 min 12 s and carried 4.1 MB: the password was probably guessed.',
      evidence: [
        { name: 'attempts', label: 'short connections', value: 162, unit: 'connections', threshold: 20, usual: range(0, 2, 4, 140) },
        { name: 'session-seconds', label: 'longest session after them', value: 372, unit: 's', threshold: 60, usual: range(0, 0, 0, 140) },
        { name: 'session-octets', label: 'carried by that session', value: 4_100_000, unit: 'B', threshold: 100_000,
          usual: range(2000, 60_000, 88_000, 140) },
      ],
      riskParts: [
        part('brute-force', 55, '162 attempts in 10 min, threshold 20'), part('succeeded', 30, 'a long session followed'),
        part('flow-model', 9, 'edge and centre call the session unusual'),
      ],
      techniques: ['T1110', 'T1021.004'], findings: 3, flows: ids(100, 12), edgeScore: 0.93, centralScore: 0.88,
      nextSteps: ['Ask the owner of 10.1.2.10 whether a log-in from 203.0.113.77 at 09:14 was theirs.',
      'On 10.1.2.10 run `last -i | grep 203.0.113.77` and `journalctl -u ssh --since "09:00"`.',
        'Until that is known, block 203.0.113.77 at the edge and change the password of the account.'],
    }),
    alertOf({
      id: 'a-scan', risk: 87, firstMicros: dayMicros + 82 * minute, lastMicros: dayMicros + 92 * minute,
      sentence: '10.1.4.7 tried 112 ports on 10.1.2.10 in 10 min; 108 failed. Its usual maximum is 3.',
      evidence: [
        { name: 'failed-ports', label: 'ports that failed', value: 108, unit: 'ports', threshold: 15, usual: range(0, 2, 3, 212) },
        { name: 'tried-ports', label: 'ports tried', value: 112, unit: 'ports', usual: range(1, 5, 7, 212) },
        { name: 'failed-share', label: 'share that failed', value: 0.964, unit: '', usual: range(0, 0.08, 0.2, 212) },
      ],
      riskParts: [
        part('port-scan', 70, '108 failed ports, threshold 15'), part('internal', 10, 'the scanner is one of your own hosts'),
        part('flow-model', 7, 'edge score .91'),
      ],
      techniques: ['T1046'], findings: 4, flows: ids(1, 20), edgeScore: 0.91, centralScore: 0.88,
      nextSteps: ['Find out who uses 10.1.4.7, and whether a scanner is installed there on purpose.',
        'See whether it tried other hosts: /v1/flows?initiator=10.1.4.7',
      'Look at the 4 ports that answered: 22, 80, 443, 5432.'],
    }),
    alertOf({
      id: 'a-dns', detector: 'dns-tunnel', entity: '10.1.4.31', peer: 'cdn-sync.example', risk: 76,
      firstMicros: dayMicros + 40 * minute, lastMicros: dayMicros + 58 * minute,
      sentence: '10.1.4.31 asked for 418 different names under cdn-sync.example in 10 min, 41 characters long on average. No other host uses this domain.',
      evidence: [
        { name: 'unique-subdomains', label: 'different names', value: 418, unit: 'names', threshold: 60, usual: range(0, 6, 11, 9, true) },
        { name: 'label-length', label: 'mean length of the first label', value: 41.2, unit: 'characters', threshold: 20,
          usual: range(4, 11, 17, 9, true) },
        { name: 'label-entropy', label: 'entropy of the first label', value: 3.9, unit: 'bit', threshold: 3.5,
          usual: range(1.8, 2.9, 3.1, 9, true) },
      ],
      riskParts: [part('dns-tunnel', 66, '418 names, threshold 60'), part('rare', 10, 'only host to use the domain')],
      techniques: ['T1071.004', 'T1048'], findings: 2, flows: ids(200, 8), edgeScore: 0.44, centralScore: 0.83,
      nextSteps: ['Look at the process on 10.1.4.31 that resolves names under cdn-sync.example.'],
    }),
    alertOf({
      id: 'a-low', detector: 'port-scan', entity: '10.1.4.90', peer: '10.1.2.30', risk: 34, firstMicros: dayMicros + 12 * minute,
      lastMicros: dayMicros + 14 * minute,
      sentence: '10.1.4.90 tried 16 ports on 10.1.2.30 in 10 min; 15 failed. It has been known for 2 windows only.',
      techniques: ['T1046'], flows: [],
      evidence: [{ name: 'failed-ports', label: 'ports that failed', value: 15, unit: 'ports', threshold: 15, usual: range(0, 0,
      0, 2, true) }],
      riskParts: [part('port-scan', 34, '15 failed ports, threshold 15')],
    }),
    alertOf({
      id: 'a-hostile', detector: 'dns-tunnel', entity: '10.1.4.66', peer: hostileName, risk: 55,
      firstMicros: dayMicros + 30 * minute, lastMicros: dayMicros + 31 * minute,
      sentence: `10.1.4.66 asked for 77 different names under ${hostileName} in 10 min.`, techniques: ['T1071.004'], flows: ids(300, 1),
      evidence: [{ name: 'unique-subdomains', label: `names under ${hostileName}`, value: 77, unit: 'names', threshold: 60 }],
      riskParts: [part('dns-tunnel', 55, hostileName)], nextSteps: [`Look up ${hostileName}`],
    }),
  ]
}

export function sampleFindings(alert: Alert): Finding[] {
  return Array.from({ length: alert.findings }, (_, index) => ({
    id: `${alert.id}-${index}`, fingerprint: alert.fingerprint, detector: alert.detector, run: alert.run, sensor: alert.sensor,
    entityKind: alert.entityKind,
    entity: alert.entity, peer: alert.peer, firstMicros: alert.firstMicros,
    lastMicros: alert.firstMicros + (index + 1) * 2 * minute, windowMicros: 10 * minute,
    sentence: alert.sentence, evidence: alert.evidence, riskParts: alert.riskParts, techniques: alert.techniques,
    flows: alert.flows, versionHash: alert.versionHash,
  }))
}

export function sampleFlows(): ArchivedFlow[] {
  const scan = Array.from({ length: 20 }, (_, index) => flowOf({
    number: 1 + index, initiatorPort: 41_200 + index, responderPort: [22, 80, 443, 5432][index] ?? 1000 + 17 * index,
    startMicros: dayMicros + 82 * minute + index * 5_210_000,
    connState: index < 4 ? 'SF' : 'REJ', edgeScore: 0.91 - index / 100, application: index === 0 ? 'ssh' : '',
    history: index < 4 ? 'ShADFaf' : 'Sr',
    initiatorOctets: index < 4 ? 1840 : 60, responderOctets: index < 4 ? 5120 : 40,
  }))
  const brute = Array.from({ length: 12 }, (_, index) => flowOf({
    number: 100 + index, initiatorAddress: '203.0.113.77', initiatorPort: 52_000 + index,
    startMicros: dayMicros + 61 * minute + index * 3_700_000,
    endMicros: dayMicros + 61 * minute + index * 3_700_000 + (index === 11 ? 372_000_000 : 1_900_000), connState: 'SF',
    application: 'ssh', initiatorPackets: index === 11 ? 2210 : 14,
    responderPackets: index === 11 ? 3022 : 12, initiatorOctets: index === 11 ? 310_000 : 2400,
    responderOctets: index === 11 ? 4_100_000 : 3100, edgeScore: 0.6 + index / 40,
  }))
  const dns = Array.from({ length: 8 }, (_, index) => flowOf({
    number: 200 + index, initiatorAddress: '10.1.4.31', responderAddress: '10.1.2.2', responderPort: 53, protocol: 17,
    connState: 'SF', application: 'dns', startMicros: dayMicros + 40 * minute + index * 9_000_000,
    dns: [{ query: `mfrggzdfmztwq2lknnwg23tpob4xe43uov3ho6dz${index}.cdn-sync.example`, type: 16, rcode: 0, answers: 1,
    rttMicros: 21_000, offsetMicros: 0 }],
  }))
  const hostile = flowOf({
    number: 300, initiatorAddress: '10.1.4.66', responderAddress: '2001:db8::5', responderPort: 443, application: 'tls',
    serverName: hostileName, connState: 'S1', startMicros: dayMicros + 30 * minute,
  })
  return [...scan, ...brute, ...dns, hostile]
}

export function sampleRuns(): RunReport[] {
  return [{
    name: 'demo', kind: 'demo', state: 'running', startedMs: Date.UTC(2026, 10, 20, 9, 58), fromMicros: dayMicros,
    clockMicros: dayMicros + 95 * minute, records: 31_204, flows: 29_870,
    detail: 'office LAN, seed 1',
  }]
}

/** Equal on every side; `unequal` takes packets away from one. */
export function sampleLedger(unequal = false): LedgerReport {
  const agent = newAgentLedger()
  for (const [name, value] of Object.entries({
    frames: 1_154_954, framesInFlows: 1_142_923, notIpArp: 11_220, notIpOther: 780, undecodableTruncated: 31,
    flowsOpened: 30_412, flowsClosed: 29_870, flowsOpen: 542,
    packetsReported: 1_139_100, packetsOpen: 3823, recordsMade: 31_204, recordsScoring: 212, recordsSealed: 30_992,
    recordsAcknowledged: 30_480, recordsWaiting: 512, kernelDropped: 49,
  })) agent.set(name, value)
  if (unequal) agent.set('framesInFlows', 1_142_900)
  const collector = newCollectorLedger()
  for (const [name, value] of Object.entries({
    batchesReceived: 61, batchesTaken: 60, batchesDuplicate: 1, recordsTaken: 30_480, recordsDetected: 30_480,
    recordsArchived: 29_968, recordsArchiving: 512, findings: 14, findingsRaised: 5,
    findingsGrouped: 9, notificationsQueued: 10, notificationsDelivered: 9, notificationsWaiting: 1,
  })) collector.set(name, value)
  return {
    streams: [{
      stream: 'demo/0', sensor: 'demo', boot, run: 'demo', vantage: 'tap', simulated: true, clockMicros: dayMicros + 95 * minute,
      receivedMs: Date.UTC(2026, 10, 20, 9, 59, 58), last: false,
      counters: agent.snapshot(),
    }],
    collector: collector.snapshot(),
  }
}
