/**
 * One table of everything that can go wrong and be said to a person. A code never changes its meaning; docs/errors.md has a line
 * for each (test/docs.test.ts compares). Anything thrown past the edge of a module is a `VedetteError`: other errors are defects.
 */
export const errors = {
  E_PLATFORM: { text: 'this machine is not supported', retryable: false },
  E_SETUP_INSTALL: { text: 'the dependencies could not be installed', retryable: true },
  E_SETUP_NODE: { text: 'the pinned Node 24 is missing', retryable: false },
  E_SETUP_WEB: { text: 'the web page could not be bundled', retryable: false },
  E_USAGE: { text: 'the command line is wrong', retryable: false },
  E_CONFIG: { text: 'the configuration is wrong', retryable: false },
  E_FILE_MISSING: { text: 'there is no such file', retryable: false },
  E_FILE_DIRECTORY: { text: 'this is a directory, not a file', retryable: false },
  E_FILE_UNREADABLE: { text: 'the file cannot be read', retryable: false },
  E_CAPTURE_EMPTY: { text: 'the capture is empty', retryable: false },
  E_CAPTURE_FORMAT: { text: 'this is not a capture file', retryable: false },
  E_CAPTURE_DAMAGED: { text: 'the capture is damaged; what was readable was used', retryable: false },
  E_CAPTURE_PERMISSION: { text: 'no permission to capture', retryable: false },
  E_CAPTURE_INTERFACE: { text: 'there is no such interface', retryable: false },
  E_CAPTURE_RING: { text: 'the capture ring could not be set up', retryable: false },
  E_CAPTURE_FILTER: { text: 'the capture filter was refused', retryable: false },
  E_MODEL_MISSING: { text: 'the model bundle is missing or incomplete', retryable: false },
  E_MODEL_HASH: { text: 'the model was made for other features', retryable: false },
  E_MODEL_PARITY: { text: 'the model does not reproduce its parity rows', retryable: false },
  E_MODEL_FAILED: { text: 'the model could not score a batch', retryable: true },
  E_SINK_AWAY: { text: 'the sink cannot be reached', retryable: true },
  E_SINK_REFUSED: { text: 'the sink refused a batch', retryable: false },
  E_SINK_BUSY: { text: 'the sink asks to slow down', retryable: true },
  E_BATCH_UNDECODABLE: { text: 'the batch is not a valid FlowBatch', retryable: false },
  E_BATCH_SIGNATURE: { text: 'the signature of the batch is wrong', retryable: false },
  E_BATCH_TOO_LARGE: { text: 'the batch is larger than the limit', retryable: false },
  E_BATCH_VERSION: { text: 'the record version of the batch is not supported', retryable: false },
  E_DATA_UNWRITABLE: { text: 'the data folder cannot be written', retryable: false },
  E_DATA_IN_USE: { text: 'the data folder is in use by another process', retryable: false },
  E_DATA_FULL: { text: 'the disk is full', retryable: true },
  E_PORT_IN_USE: { text: 'the port is in use', retryable: false },
  E_STORE: { text: 'the store failed', retryable: true },
  E_STORE_STALE: { text: 'another process has taken over the work on this store', retryable: false },
  E_NOT_FOUND: { text: 'there is nothing with this id', retryable: false },
  E_REQUEST: { text: 'the request is not valid', retryable: false },
  E_FORBIDDEN: { text: 'this request is not allowed from there', retryable: false },
  E_CHANNEL_AWAY: { text: 'the notification could not be delivered, it is retried', retryable: true },
  E_CHANNEL_REFUSED: { text: 'the receiver refused the notification', retryable: false },
  E_CHILD_ENDED: { text: 'a process of Vedette ended unexpectedly', retryable: false },
  E_INTERNAL: { text: 'a defect in Vedette', retryable: false },
} as const

export type ErrorCode = keyof typeof errors

/** An error with a code from the table, for people: `message` says what happened to what, `advice` what to do about it. */
export class VedetteError extends Error {
  readonly code: ErrorCode
  readonly advice: string
  readonly retryable: boolean

  constructor(code: ErrorCode, detail = '', advice = '', options?: ErrorOptions) {
    super(detail === '' ? errors[code].text : detail, options)
    this.name = 'VedetteError'
    this.code = code
    this.advice = advice
    this.retryable = errors[code].retryable
  }

  /** One line for a terminal: `E_FILE_MISSING: there is no file x.pcap. Check the path.` */
  get line(): string {
    return `${this.code}: ${this.message}${this.advice === '' ? '' : `. ${this.advice}`}`
  }
}

/** The error number's name of a failed system call (`ENOENT`), or '' for anything else. */
export function errnoName(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
