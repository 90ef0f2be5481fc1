import { expect, it } from 'vitest'
import { readCommand } from '../../agent/command.ts'

it('turns flags into configuration keys', () => {
  expect(readCommand(['replay', 'a.pcap', 'b.pcap', '--sink', 'stdout', '--no-score', '--set', 'flow.memory=64MiB', '--skip-stored'])).toMatchObject({
    name: 'replay', files: ['a.pcap', 'b.pcap'], skipStored: true, flags: { 'sink.kind': 'stdout', 'score.enabled': false, 'flow.memory': '64MiB' },
  })
  expect(readCommand(['capture', '-i', 'lo', '-i', 'eth0']).flags).toEqual({ 'capture.interfaces': ['lo', 'eth0'] })
  expect(readCommand(['simulate', '--seed', '7', '--folder', '/x'])).toMatchObject({ seed: 7, folder: '/x' })
  expect(readCommand([]).name).toBe('help')
  expect(readCommand(['replay', '--help']).name).toBe('help')
})

it.each([
  ['replay without a file', ['replay']], ['capture with a file', ['capture', 'x.pcap']], ['an unknown command', ['reply', 'x']],
  ['a seed that is no number', ['simulate', '--seed', 'x']], ['a look at the configuration that is none', ['config', 'chek']], ['an unknown flag', ['replay', 'x', '--sinc', 'none']],
])('refuses %s', (_, args) => {
  expect(() => readCommand(args)).toThrow(expect.objectContaining({ code: 'E_USAGE' }))
})
