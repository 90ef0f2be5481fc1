/**
 * Alerts as one structured log line each, for systems that read logs. Never fails; the log's rate limit per code does
 * not lose alerts, because each line carries the alert's own code.
 */
import type { Logger } from '../../proto/process/log.ts'
import type { Channel, Message } from './channel.ts'

export class LogChannel implements Channel {
  readonly name: string
  readonly #log: Logger

  constructor(name: string, parts: { log: Logger }) {
    this.name = name
    this.#log = parts.log
  }

  async deliver({ id, kind, alert, link }: Message): Promise<void> {
    const level = alert.severity === 'critical' || alert.severity === 'high' ? 'warn' : 'info'
    this.#log[level](`alert-${alert.id.slice(0, 8)}`, alert.sentence, {
      message: id, kind, alert: alert.id, severity: alert.severity, risk: alert.risk, detector: alert.detector,
      entity: alert.entity, peer: alert.peer, techniques: alert.techniques, link,
    })
    await Promise.resolve()
  }

  async close(): Promise<void> {
    await Promise.resolve()
  }
}
