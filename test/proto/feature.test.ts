import { expect, test } from 'vitest'
import { featureCount, featureHash, features, featureVersion, hashFeatures } from '../../proto/feature.ts'
import { contextNames } from '../../proto/flow.ts'

test('the list has 40 features with names of their own and a description each', () => {
  expect(featureCount).toBe(40)
  expect(new Set(features.map(({ name }) => name)).size).toBe(featureCount)
  for (const { name, text } of features) {
    expect(name).toMatch(/^[a-z][A-Za-z0-9]+$/)
    expect(text.length).toBeGreaterThan(5)
  }
  expect(features.slice(-8).map(({ name }) => name)).toEqual([...contextNames])
})

test('the hash is the one models were made for', () => {
  // A failure here means: count up featureVersion, train the shipped bundle again, then write the new hash here.
  expect(featureHash).toBe('5f34b2304cc4594d')
})

test('the hash changes with a name, the order and the version', () => {
  const names = features.map(({ name }) => name)
  expect(hashFeatures(names, featureVersion)).toBe(featureHash)
  const others = [
    hashFeatures([...names].reverse(), featureVersion), hashFeatures(names.slice(1), featureVersion),
    hashFeatures(['x', ...names.slice(1)], featureVersion), hashFeatures(names, featureVersion + 1),
  ]
  expect(new Set([featureHash, ...others]).size).toBe(5)
})
