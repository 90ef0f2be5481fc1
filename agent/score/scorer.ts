/**
 * Chunks -> the same chunks with a score in every record, by a model in a thread of its own. Chunks come back in the
 * order they were given; at most 8 are at the thread at a time (`models/thread.ts`), further ones wait in their
 * promise.
 *
 * Nothing is lost here: when the model is missing, fails, dies or hangs, chunks come back as they were, with `unscored`
 * = their count, and a log line says why. The bytes of a chunk are copied for the thread (some 20 us each), so they are
 * still there when it dies.
 */
import { featureHash } from '../../proto/feature.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import { ModelThread } from '../../models/thread.ts'
import type { Chunk } from '../flow/chunk.ts'

export interface Scorer {
  /** 16 hexadecimal digits, or '' without a model. */
  readonly modelHash: string
  /** Hash of this version's feature list: what batches carry, with or without a model. */
  readonly featureHash: string
  /** Gives the chunk with scores, or as it was with `unscored` set. Never rejects. */
  score(chunk: Chunk): Promise<Chunk>
  /** Ends the thread; chunks still at it come back unscored. */
  close(): Promise<void>
}

export type ScorerOptions = {
  /** Folder of the model bundle; undefined: nothing is scored. */
  bundle: string | undefined
  log: Logger
  clock?: Clock
  /** The thread's file; tests put in failing ones. */
  worker?: URL
  /** See `ModelThreadOptions`. */
  deadlineMs?: number
}

const unscored = (chunk: Chunk): Chunk => ({ ...chunk, unscored: chunk.count })

/** Opens the bundle in its thread. Without a usable bundle the scorer lets everything pass unscored; the log says why. Never rejects. */
export async function createScorer({ bundle, log, clock, worker, deadlineMs }: ScorerOptions): Promise<Scorer> {
  if (bundle === undefined) {
    log.info('model-none', 'no model is configured: flows go on unscored')
    return noScorer
  }
  const thread = new ModelThread({ file: worker ?? new URL('worker.ts', import.meta.url), bundle, log, clock, deadlineMs })
  const refusal = await thread.open()
  if (refusal === undefined) return new ThreadScorer(thread, log)
  log.warn(refusal.code, `${refusal.message}; flows go on unscored${refusal.advice === '' ? '' : `. ${refusal.advice}`}`)
  await thread.close()
  return noScorer
}

/** Without a model everything goes on as it is. */
const noScorer: Scorer = {
  modelHash: '',
  featureHash,
  score: (chunk) => Promise.resolve(unscored(chunk)),
  close: () => Promise.resolve(),
}

class ThreadScorer implements Scorer {
  readonly featureHash = featureHash
  readonly modelHash: string
  private readonly thread: ModelThread
  private readonly log: Logger

  constructor(thread: ModelThread, log: Logger) {
    this.thread = thread
    this.log = log
    this.modelHash = thread.modelHash
  }

  async score(chunk: Chunk): Promise<Chunk> {
    const answer = await (chunk.count === 0 ? this.thread.skip() : this.thread.ask(chunk.bytes.slice()))
    if (answer === undefined || !(answer.payload instanceof Uint8Array)) return unscored(chunk)
    if (answer.count !== chunk.count) {
      this.log.warn('E_MODEL_FAILED', `a chunk holds ${String(answer.count)} records, not ${String(chunk.count)}: it goes on unscored`)
      return unscored(chunk)
    }
    return { ...chunk, bytes: answer.payload, unscored: 0 }
  }

  close(): Promise<void> {
    return this.thread.close()
  }
}
