/**
 * The simulator's clock: a binary heap of generators by the time each wants to go on. Equal times run in the order of arrival, so
 * the order is a function of the scripts alone. Time only moves forward.
 */

export type Scripted = Generator<number, void, void>

type Entry = { micros: number, order: number, script: Scripted }

const before = (a: Entry, b: Entry): boolean => a.micros < b.micros || (a.micros === b.micros && a.order < b.order)

export class Schedule {
  private readonly heap: Entry[] = []
  private arrivals = 0

  /** When the next script goes on; Infinity when none is left. */
  get nextMicros(): number {
    return this.heap.length === 0 ? Infinity : this.heap[0].micros
  }

  /** Takes a script in: it runs at once up to the first time it names. */
  add(script: Scripted): void {
    const step = script.next()
    if (step.done !== true) this.push({ micros: step.value, order: this.arrivals++, script })
  }

  /** Lets the earliest script go on. */
  step(): void {
    const entry = this.heap[0]
    // Taken out first: the script may add others that are due before it.
    const moved = this.heap.pop()
    if (moved !== undefined && moved !== entry) this.sink(moved)
    const step = entry.script.next()
    if (step.done === true) return
    entry.micros = Math.max(step.value, entry.micros)
    entry.order = this.arrivals++
    this.push(entry)
  }

  private push(entry: Entry): void {
    let i = this.heap.length
    this.heap.push(entry)
    while (i > 0) {
      const parent = i - 1 >> 1
      if (!before(entry, this.heap[parent])) break
      this.heap[i] = this.heap[parent]
      i = parent
    }
    this.heap[i] = entry
  }

  /** Puts `entry` at the top and lets it find its place. */
  private sink(entry: Entry): void {
    const { heap } = this
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++
      if (!before(heap[child], entry)) break
      heap[i] = heap[child]
      i = child
    }
    heap[i] = entry
  }
}
