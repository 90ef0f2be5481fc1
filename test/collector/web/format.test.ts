import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { age, ago, dateTime, duration, endpoint, measured, octets, percent, quantity, short, timeOfDay, visible } from '../../../collector/web/format.ts'

test('numbers have as many digits as mean something', () => {
  expect([0, 0.00012, 0.0834, 0.9644, 3.94, 41.24, 108, 4100].map(measured)).toEqual(['0', '0.00012', '0.083', '0.964', '3.94', '41.2', '108', '4,100'])
  expect([0, 999, 1000, 4_100_000, 123_456_789_012].map(octets)).toEqual(['0 B', '999 B', '1 kB', '4.1 MB', '123 GB'])
  expect([9999, 30_412, 1_154_954, 2.5e9].map(short)).toEqual(['9,999', '30.4 k', '1.15 M', '2.5 G'])
  expect([0, 1e-7, 0.00004, 0.0123, 0.5, 1].map(percent)).toEqual(['0 %', '< 0.001 %', '0.004 %', '1.23 %', '50 %', '100 %'])
})

test('a quantity is written by its unit; an unknown unit is only a word', () => {
  expect(quantity(372, 's')).toBe('6 min 12 s')
  expect(quantity(4_100_000, 'B')).toBe('4.1 MB')
  expect(quantity(108, 'ports')).toBe('108 ports')
  expect(quantity(108, 'ports', false)).toBe('108')
  expect(quantity(5, 'constructor')).toBe('5 constructor')
})

test('durations and ages', () => {
  expect([0, 12, 1200, 420_000, 1_900_000, 59_400_000, 372_000_000, 3_600_000_000, 11_100_000_000, 187_200_000_000].map(duration))
    .toEqual(['0 s', '12 µs', '1.2 ms', '420 ms', '1.9 s', '59 s', '6 min 12 s', '1 h', '3 h 5 min', '2 d 4 h'])
  const now = 1e15
  expect([now + 1e6, now, now - 40e6, now - 120e6, now - 7200e6, now - 3 * 86_400e6].map((at) => age(at, now))).toEqual(['now', 'now', '40 s', '2 min', '2 h', '3 d'])
  expect(ago(now, now)).toBe('now')
  expect(ago(now - 60e6, now)).toBe('1 min ago')
})

test('times in UTC and in the zone of the reader', () => {
  const micros = Date.UTC(2026, 10, 20, 9, 31, 12, 345) * 1000
  expect(dateTime(micros, true)).toBe('2026-11-20 09:31:12')
  expect(timeOfDay(micros, true)).toBe('09:31:12.345')
  const local = new Date(micros / 1000)
  expect(dateTime(micros, false).slice(11, 13)).toBe(String(local.getHours()).padStart(2, '0'))
  expect(dateTime(Number.NaN, true)).toBe('?')
})

test('endpoints', () => {
  expect(endpoint('10.1.4.7', 22, 6)).toBe('10.1.4.7:22')
  expect(endpoint('2001:db8::5', 443, 17)).toBe('[2001:db8::5]:443')
  expect(endpoint('10.1.4.7', 8, 1)).toBe('10.1.4.7')
})

describe('text from the network', () => {
  test('what cannot be seen is written out', () => {
    expect(visible('a\u202Egpj.exe')).toBe('a\\u{202E}gpj.exe')
    expect(visible('x\u0000\u200By\uFEFF')).toBe('x\\u{0000}\\u{200B}y\\u{FEFF}')
    expect(visible('\u2066iso\u2069 \u{E0041}')).toBe('\\u{2066}iso\\u{2069} \\u{E0041}')
    expect(visible('lone \ud800 half')).toBe('lone \\u{D800} half')
    expect(visible('line\nbreak\ttab')).toBe('line\\u{000A}break\\u{0009}tab')
  })

  test('what can be seen stays as it is', () => {
    for (const text of ['10.1.4.7', 'münchen.example', '例え.jp', 'שלום', '😀 fine', '<b>"&\'']) expect(visible(text)).toBe(text)
  })

  test('nothing that turns the direction of the text ever gets through', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[\u0000-\u001f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/.test(visible(text))))
  })
})
