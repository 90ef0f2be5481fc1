/** The answer of a sink that is there and asks to slow down, with how long it asks for. */
import { VedetteError } from '../../proto/error.ts'

export class SinkBusyError extends VedetteError {
  /** 0 when the sink did not say. */
  readonly retryAfterMs: number

  constructor(detail: string, retryAfterMs: number) {
    super('E_SINK_BUSY', detail, 'Nothing is lost: the batch is sent again')
    this.retryAfterMs = retryAfterMs
  }
}
