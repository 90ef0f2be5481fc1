import { expect, test } from 'vitest'
import { agentEquations, collectorEquations } from '../../../proto/ledger.ts'
import { ledgerBody } from '../../../collector/api/account.ts'
import { coverage, stageNames } from '../../../collector/web/summary.ts'
import { techniqueLink, techniqueName } from '../../../collector/web/technique.ts'
import { sampleLedger } from '../api/samples.ts'

test('one line about the whole ledger, by run', () => {
  const all = coverage(ledgerBody(sampleLedger(), 0), 'demo')
  expect(all).toMatchObject({ packets: 1_154_954, flows: 30_412, lost: 80, estimated: 49, sensors: 1, balanced: true, recordsDropped: 0 })
  expect(all.lostShare).toBeCloseTo(80 / 1_155_003, 9)
  expect(coverage(ledgerBody(sampleLedger(), 0), '')).toMatchObject({ packets: 0, lostShare: 0, sensors: 0, balanced: true })
  expect(coverage(ledgerBody(sampleLedger(true), 0), undefined).balanced).toBe(false)
})

test('every equation of the ledger has a name for people', () => {
  for (const { name } of [...agentEquations, ...collectorEquations]) expect(stageNames[name], name).toBeDefined()
})

test('a technique links to its page, anything else to nothing', () => {
  expect(techniqueLink('T1021.004')).toBe('https://attack.mitre.org/techniques/T1021/004/')
  expect(techniqueLink('T1046')).toBe('https://attack.mitre.org/techniques/T1046/')
  expect(techniqueLink('T1046/../x')).toBeUndefined()
  expect(techniqueName('T1046')).toBe('Network Service Discovery')
  expect(techniqueName('constructor')).toBe('')
})
