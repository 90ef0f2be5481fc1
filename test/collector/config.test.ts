import { describe, expect, it } from 'vitest'
import { collectorDefaults, collectorPrefix, collectorSchema, loadCollectorConfig } from '../../collector/config.ts'
import { detectorSchema, readDetectorSettings } from '../../collector/detect/settings.ts'
import { privateNetworks } from '../../proto/address.ts'
import { loadConfig } from '../../proto/process/config.ts'
import { environmentNames, leaves } from '../../proto/process/config-schema.ts'
import { join } from 'node:path'

describe('the shipped configuration of a collector', () => {
  const { config, origins } = loadCollectorConfig({ env: {} })

  it('loads, listens on loopback only, and knows the private networks', () => {
    expect(config).toMatchObject({ host: '127.0.0.1', port: 8420, channels: [{ name: 'log', kind: 'log' }], journal: { retention: 72 * 3600_000 } })
    expect(config.internal.toSorted()).toEqual([...privateNetworks].toSorted())
  })

  it('has a value for every key but those that may be missing', () => {
    for (const { key, optional } of leaves(collectorSchema)) expect(origins.has(key), key).toBe(!optional)
    expect(environmentNames(collectorPrefix, collectorSchema).size).toBe(leaves(collectorSchema).length)
  })

  it('has thresholds that load by the same rules', () => {
    const { config: thresholds } = loadConfig({ schema: detectorSchema, defaults: join(collectorDefaults, '../detectors.yaml'), env: {}, prefix: '' })
    expect(readDetectorSettings(thresholds).detectors['port-scan'].enabled).toBe(true)
  })
})

describe('rules across keys', () => {
  it.each([
    ['[{ name: a, kind: webhook }]', 'the webhook a has no url'],
    ['[{ name: a, kind: log }, { name: a, kind: log }]', 'two channels are named a'],
    ['[{ name: a, kind: smoke }]', 'channels[0].kind must be one of webhook, log, not smoke'],
  ])('channels %s', (channels, message) => {
    expect(() => loadCollectorConfig({ env: { VEDETTE_COLLECTOR_CHANNELS: channels } })).toThrow(message)
  })

  it('networks are networks', () => {
    expect(() => loadCollectorConfig({ env: { VEDETTE_COLLECTOR_INTERNAL: '10.0.0.0/8,office' } })).toThrow('not office')
    expect(() => loadCollectorConfig({ env: { VEDETTE_COLLECTOR_INTERNAL: '' } })).toThrow('internal must not be empty')
  })

  it('a webhook has its secret from wherever it is kept', () => {
    const channels = '[{ name: soc, kind: webhook, url: https://example.org/hook, secret: s3 }]'
    expect(loadCollectorConfig({ env: { VEDETTE_COLLECTOR_CHANNELS: channels } }).config.channels[0]).toMatchObject({ secret: 's3' })
  })
})
