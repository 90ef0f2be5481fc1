/**
 * When a detector speaks. An episode begins when a key's value crosses its threshold and ends after a window without
 * reaching it. It is reported at the crossing, whenever the value has grown by half since the last report, every 10
 * minutes while it lasts, and once more with its final value when the stream's clock is a minute past the last growth.
 * So a flood of evidence makes few findings and none carries stale numbers.
 *
 * Episodes are rows of detection memory ('fire/<detector>/<key>'): after a restart the same reports follow, with the
 * same ids. Bounded: the episode longest unchanged is given up first, counted.
 */

export type Episode<About> = {
  about: About
  stream: string
  internal: boolean
  /** Start of the window at the crossing. */
  opened: number
  /** Reports made. */
  step: number
  /** Value of the last report, and when. */
  reported: number
  reportedMicros: number
  /** Newest value, and when it last grew past the reported one. */
  value: number
  grownMicros: number
  /** When the value last reached the threshold. */
  overMicros: number
}

export type FiringOptions = {
  detector: string
  remember: (key: string, value: string | undefined) => void
  episodes: number
  windowMicros: number
  paneMicros: number
  /** How long an ended episode is remembered: what follows it may matter. */
  retainMicros: number
}

const growth = 1.5
/** Quiet after the last growth before the final value is reported. */
export const quietMicros = 60e6

export class Firing<About> {
  readonly #options: FiringOptions
  readonly #episodes = new Map<string, Episode<About>>()
  readonly #dirty = new Set<string>()
  #evicted = 0

  constructor(options: FiringOptions) {
    this.#options = options
  }

  /** The episode of a key, lasting or ended. */
  get(key: string): Episode<About> | undefined {
    return this.#episodes.get(key)
  }

  /**
   * A new value of a key at an event time. Gives the episode when it must be reported now. `about` is asked for at the
   * crossing only.
   */
  measure(
    key: string, value: number, threshold: number, micros: number, stream: string, internal: boolean, about: () => About,
  ): Episode<About> | undefined {
    let episode = this.#episodes.get(key)
    const { windowMicros, paneMicros } = this.#options
    if (episode === undefined || micros > episode.overMicros + windowMicros) {
      if (value < threshold) return undefined
      const opened = (Math.floor(micros / paneMicros) + 1) * paneMicros - windowMicros
      episode = {
        about: about(), stream, internal, opened, step: -1, reported: 0, reportedMicros: micros, value,
        grownMicros: micros, overMicros: micros,
      }
      this.#episodes.delete(key)
      this.#episodes.set(key, episode)
      this.#bound()
      return this.report(key, episode, micros)
    }
    episode.value = value
    if (value >= threshold) episode.overMicros = Math.max(episode.overMicros, micros)
    if (value > episode.reported) episode.grownMicros = Math.max(episode.grownMicros, micros)
    this.#dirty.add(key)
    const lasting = value >= threshold && micros >= episode.reportedMicros + windowMicros
    return lasting || value >= growth * episode.reported ? this.report(key, episode, micros) : undefined
  }

  /** Marks an episode as reported now. */
  report(key: string, episode: Episode<About>, micros: number): Episode<About> {
    episode.step++
    episode.reported = episode.value
    episode.reportedMicros = Math.max(episode.reportedMicros, micros)
    this.#dirty.add(key)
    return episode
  }

  /** Episodes of a stream that must be reported with their final value; those long over are forgotten. */
  settle(stream: string, clockMicros: number): [string, Episode<About>][] {
    const due: [string, Episode<About>][] = []
    for (const [key, episode] of this.#episodes) {
      if (episode.stream !== stream) continue
      if (episode.value > episode.reported && clockMicros >= episode.grownMicros + quietMicros) {
        due.push([key, this.report(key, episode, episode.grownMicros)])
      } else if (clockMicros > episode.overMicros + this.#options.windowMicros + this.#options.retainMicros) {
        this.#episodes.delete(key)
        this.#dirty.add(key)
      }
    }
    return due
  }

  #bound(): void {
    for (const key of this.#episodes.keys()) {
      if (this.#episodes.size <= this.#options.episodes) break
      this.#episodes.delete(key)
      this.#dirty.add(key)
      this.#evicted++
    }
  }

  /** Marks an episode's own facts as changed. */
  touch(key: string): void {
    this.#dirty.add(key)
  }

  /** Writes the rows of episodes that changed. */
  save(): void {
    for (const key of this.#dirty) {
      const episode = this.#episodes.get(key)
      this.#options.remember(`fire/${this.#options.detector}/${key}`, episode === undefined ? undefined : JSON.stringify(episode))
    }
    this.#dirty.clear()
  }

  restore(rows: ReadonlyMap<string, string>): void {
    const prefix = `fire/${this.#options.detector}/`
    for (const [key, value] of rows) {
      if (key.startsWith(prefix)) this.#episodes.set(key.slice(prefix.length), JSON.parse(value) as Episode<About>)
    }
  }

  size(): { entries: number, evicted: number } {
    return { entries: this.#episodes.size, evicted: this.#evicted }
  }
}
