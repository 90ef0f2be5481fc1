/** What every channel must do, run on each implementation: deliver once, say who must try again, end when told. */
import { describe, expect, it } from 'vitest'
import { VedetteError } from '../../proto/error.ts'
import type { Channel, Message } from '../../collector/channel/channel.ts'
import type { Alert } from '../../proto/alert.ts'

export const alertExample: Alert = {
  id: '00112233445566778899aabbccddeeff', fingerprint: 'f', detector: 'port-scan', run: '', sensor: 'edge-1', entityKind: 'host', entity: '10.1.4.7', peer: '10.1.2.9', state: 'new',
  severity: 'high', risk: 72, riskParts: [{ name: 'port-scan', points: 45, reason: 'many ports failed' }], firstMicros: 1, lastMicros: 2, raisedMs: 3, updatedMs: 4, findings: 1,
  sentence: '10.1.4.7 tried 112 ports on 10.1.2.9 in 10 min; 108 failed. Its usual maximum is 3.', evidence: [], techniques: ['T1046'], nextSteps: [], flows: [],
  versionHash: 'v', version: 9,
}
export const messageExample: Message = { id: `${alertExample.id}.raised`, kind: 'raised', alert: alertExample, link: 'http://localhost:8420/alerts/1' }

export type ChannelSetting = {
  channel: Channel
  /** What the receiver has got so far: id and sentence of each message. */
  received: () => { id: string, sentence: string }[]
  /** Makes the receiver fail for now, refuse for good, or work again; undefined where a channel cannot fail. */
  behave?: (how: 'well' | 'away' | 'refusing') => void
  done: () => Promise<void>
}

export function channelContract(name: string, make: () => Promise<ChannelSetting>): void {
  describe(`${name} as a channel`, () => {
    it('delivers a message with its id and sentence, again when asked again', async () => {
      const { channel, received, done } = await make()
      expect(channel.name).not.toBe('')
      await channel.deliver(messageExample)
      await channel.deliver({ ...messageExample, kind: 'updated' })
      expect(received()).toEqual([1, 2].map(() => ({ id: messageExample.id, sentence: alertExample.sentence })))
      await channel.close()
      await done()
    })

    it('delivers hostile text as data', async () => {
      const { channel, received, done } = await make()
      const sentence = '"}\r\nX: y\u202e <script>alert(1)</script> __proto__ ${jndi}'
      await channel.deliver({ ...messageExample, alert: { ...alertExample, sentence } })
      expect(received()).toEqual([{ id: messageExample.id, sentence }])
      await channel.close()
      await done()
    })

    it('says whether another try is worth it, and recovers', async () => {
      const { channel, received, behave, done } = await make()
      if (behave !== undefined) {
        behave('away')
        const away = await channel.deliver(messageExample).catch((error: unknown) => error)
        expect(away).toBeInstanceOf(VedetteError)
        expect(away).toMatchObject({ code: 'E_CHANNEL_AWAY', retryable: true })
        behave('refusing')
        await expect(channel.deliver(messageExample)).rejects.toMatchObject({ code: 'E_CHANNEL_REFUSED', retryable: false })
        behave('well')
      }
      await channel.deliver(messageExample)
      expect(received().at(-1)?.id).toBe(messageExample.id)
      await channel.close()
      await done()
    })

    it('may be closed twice', async () => {
      const { channel, done } = await make()
      await channel.close()
      await channel.close()
      await done()
    })
  })
}
