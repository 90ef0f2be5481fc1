/**
 * Runs a model bundle: the only user of onnxruntime-node. Opening checks the bundle (bundle.ts), then that the runtime
 * reproduces every parity row to 1e-5. Scoring blocks the thread it is called on, although it gives a promise: call it
 * in a worker. One thread, sequential execution, so that the same rows in the same batches give the same scores.
 *
 * The runtime reports home unless ORT_DISABLE_TELEMETRY is in the *process's* environment before the library loads; a
 * worker's own copy of the environment does not reach it. Start such workers with SHARE_ENV, after `disableTelemetry`.
 */
import type { InferenceSession, TensorConstructor } from 'onnxruntime-node'
import { VedetteError } from '../proto/error.ts'
import { featureCount } from '../proto/feature.ts'
import { readBundle } from './bundle.ts'
import type { Bundle, Manifest } from './bundle.ts'

/** Rows scored in one call of the runtime. */
export const batchRows = 1024
/** Largest difference between the runtime's score of a parity row and the trainer's. */
export const parityTolerance = 1e-5

/** Keeps the runtime from reporting home. Call it before any thread loads the runtime. */
export function disableTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] = '1'
}

/** Scores are rounded to four decimals before anybody compares or stores them (as float32). */
export const roundScore = (score: number): number => Math.fround(Math.round(score * 1e4) / 1e4)

export class ModelSession {
  readonly manifest: Manifest
  readonly modelHash: string
  private readonly session: InferenceSession
  private readonly tensor: TensorConstructor

  private constructor(bundle: Bundle, session: InferenceSession, tensor: TensorConstructor) {
    this.manifest = bundle.manifest
    this.modelHash = bundle.modelHash
    this.session = session
    this.tensor = tensor
  }

  /** Opens the bundle in folder `dir`. Throws E_MODEL_MISSING, E_MODEL_HASH, E_MODEL_PARITY, E_MODEL_FAILED. */
  static async open(dir: string): Promise<ModelSession> {
    const bundle = readBundle(dir)
    disableTelemetry()
    const { InferenceSession: Session, Tensor } = await import('onnxruntime-node')
    const opened = await Session.create(bundle.model, {
      intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', executionProviders: ['cpu'], logSeverityLevel: 3,
    }).catch((error: unknown) => { throw new VedetteError('E_MODEL_FAILED', `${dir}: the runtime cannot open the model`, 'Train it again: see docs/models.md', { cause: error }) })
    const session = new ModelSession(bundle, opened, Tensor)
    try {
      await session.checkParity(bundle)
    } catch (error) {
      await session.close()
      throw error
    }
    return session
  }

  private async checkParity({ dir, golden }: Bundle): Promise<void> {
    const { scores } = await this.run(golden.rows, golden.scores.length)
    for (let i = 0; i < scores.length; i++) {
      if (!(Math.abs(scores[i] - golden.scores[i]) <= parityTolerance)) {
        throw new VedetteError('E_MODEL_PARITY', `${dir}: row ${String(i + 1)} scores ${String(scores[i])}, it should be ${String(golden.scores[i])}`,
          'The bundle does not fit this runtime: train it again, see docs/models.md')
      }
    }
  }

  /** Scores of the first `count` rows [count, featureCount], 0 ... 1, rounded. Throws E_MODEL_FAILED. */
  async score(rows: Float32Array, count: number): Promise<Float32Array<ArrayBuffer>> {
    const out = new Float32Array(count)
    for (let from = 0; from < count; from += batchRows) {
      const n = Math.min(batchRows, count - from)
      const { scores } = await this.run(rows.subarray(from * featureCount, (from + n) * featureCount), n)
      for (let i = 0; i < n; i++) out[from + i] = roundScore(scores[i])
    }
    return out
  }

  /** Scores and per-feature errors [count, featureCount] of up to `batchRows` rows, as the runtime gives them. Throws E_MODEL_FAILED. */
  async run(rows: Float32Array, count: number): Promise<{ scores: Float32Array, errors: Float32Array }> {
    try {
      const results = await this.session.run({ rows: new this.tensor('float32', rows.subarray(0, count * featureCount), [count, featureCount]) })
      const { score, errors } = results
      if (!(score.data instanceof Float32Array) || !(errors.data instanceof Float32Array) || score.data.length !== count) {
        throw new TypeError('the model gives other outputs than a score and the errors of each feature')
      }
      return { scores: score.data, errors: errors.data }
    } catch (error) {
      throw new VedetteError('E_MODEL_FAILED', `the model could not score ${String(count)} flows`, '', { cause: error })
    }
  }

  async close(): Promise<void> {
    await this.session.release()
  }
}
