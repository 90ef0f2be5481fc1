/**
 * Flows -> the central model's scores, in a thread of its own. The central model is the shipped bundle for now; it runs
 * again at the collector so that a better one can be put in there first, and so that sensors without a model are judged
 * too. Scores of different models are never compared: detection turns each into its rank among the last days
 * (`detect/flow-model.ts`).
 *
 * Flows whose batch was made for other features are not scored: their sums may mean something else. They are stored and
 * windowed all the same, and counted. The same goes for every failure of the model.
 */
import { featureCount, featureHash as ownHash } from '../../proto/feature.ts'
import type { Flow } from '../../proto/flow.ts'
import type { Clock } from '../../proto/process/clock.ts'
import type { Logger } from '../../proto/process/log.ts'
import { ModelThread } from '../../models/thread.ts'
import { vectorInto } from '../../models/vector.ts'

/** Flows scored, and not: because the batch was made for other features, or because there is no model or it failed. Cumulative. */
export type RescoreCounts = { scored: number, mismatched: number, failed: number }

export interface Rescorer {
  /** 16 hexadecimal digits, or '' without a model. */
  readonly modelHash: string
  readonly counts: Readonly<RescoreCounts>
  /** A score of 0 ... 1 for each flow of one batch, or undefined: unscored. Answers come in the order of the calls. Never rejects. */
  score(flows: readonly Flow[], featureHash: string): Promise<Float32Array | undefined>
  close(): Promise<void>
}

export type RescorerOptions = {
  /** Folder of the model bundle; undefined: nothing is scored. */
  bundle: string | undefined
  log: Logger
  clock?: Clock
  worker?: URL
}

/** Opens the bundle in its thread. Without a usable bundle nothing is scored; the log says why. Never rejects. */
export async function createRescorer({ bundle, log, clock, worker }: RescorerOptions): Promise<Rescorer> {
  if (bundle === undefined) {
    log.info('model-none', 'no central model is configured: flows are not scored again')
    return new ThreadRescorer(undefined, log)
  }
  const thread = new ModelThread({ file: worker ?? new URL('worker.ts', import.meta.url), bundle, log, clock })
  const refusal = await thread.open()
  if (refusal === undefined) return new ThreadRescorer(thread, log)
  log.warn(refusal.code, `${refusal.message}; flows are not scored again${refusal.advice === '' ? '' : `. ${refusal.advice}`}`)
  await thread.close()
  return new ThreadRescorer(undefined, log)
}

class ThreadRescorer implements Rescorer {
  readonly modelHash: string
  readonly counts: RescoreCounts = { scored: 0, mismatched: 0, failed: 0 }
  readonly #thread: ModelThread | undefined
  readonly #log: Logger

  constructor(thread: ModelThread | undefined, log: Logger) {
    this.#thread = thread
    this.#log = log
    this.modelHash = thread?.modelHash ?? ''
  }

  async score(flows: readonly Flow[], featureHash: string): Promise<Float32Array | undefined> {
    const thread = this.#thread
    if (featureHash !== ownHash) {
      this.#log.warn('E_MODEL_HASH', `a sensor sends flows with features ${featureHash}, the central model has ${ownHash}: they are not scored`)
      this.counts.mismatched += flows.length
      await thread?.skip()
      return undefined
    }
    if (thread === undefined) {
      this.counts.failed += flows.length
      return undefined
    }
    if (flows.length === 0) {
      await thread.skip()
      return new Float32Array(0)
    }
    const rows = new Float32Array(flows.length * featureCount)
    flows.forEach((flow, i) => { vectorInto(flow, rows, i * featureCount) })
    const answer = await thread.ask(rows)
    if (!(answer?.payload instanceof Float32Array) || answer.count !== flows.length) {
      this.counts.failed += flows.length
      return undefined
    }
    this.counts.scored += flows.length
    return answer.payload
  }

  async close(): Promise<void> {
    await this.#thread?.close()
  }
}
