import { expect, it } from 'vitest'
import { readCommand } from '../../collector/command.ts'

it('serves without a command, and turns flags into configuration keys', () => {
  expect(readCommand(['--data', '/d', '--port', '0', '--key-file', 'k1', '--key-file', 'k2', '--set', 'archive.threads=1'])).toEqual({
    name: 'serve', topic: '', configFiles: [], flags: { 'archive.threads': '1', 'data': '/d', 'port': '0', 'keyFiles': ['k1', 'k2'] },
  })
  expect(readCommand(['config', 'dump', '--config', 'a.yaml'])).toMatchObject({ name: 'config', topic: 'dump', configFiles: ['a.yaml'] })
  expect(readCommand(['serve', '--help']).name).toBe('help')
  expect(readCommand(['--version']).name).toBe('version')
})

it.each([['a word that is no command', ['server']], ['config alone', ['config']], ['a word after serve', ['serve', 'now']], ['a flag that is none', ['--prot', '1']]])('refuses %s', (_, args) => {
  expect(() => readCommand(args)).toThrow(expect.objectContaining({ code: 'E_USAGE' }))
})
