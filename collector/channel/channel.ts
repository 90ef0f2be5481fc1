/**
 * From an alert to a person. A channel knows its own format and answers one question: was it delivered, and if not, is it worth trying
 * again (`VedetteError.retryable`)? Retrying, leases and back-off are outside, once (`alert/dispatch.ts`).
 */
import type { Alert } from '../../proto/alert.ts'

export type Message = { id: string, kind: 'raised' | 'updated', alert: Alert, link: string }

export interface Channel {
  readonly name: string
  /** Throws E_CHANNEL_AWAY (retry) or E_CHANNEL_REFUSED. */
  deliver(message: Message): Promise<void>
  close(): Promise<void>
}
