/** Whether the collector already has the whole of a replay, so that `npm start` shows it again instead of sending duplicates. */

type Stream = { run: string, boot: string, last: boolean, gaps: number, counters: Record<string, number> }

/** Counters the sensor reported in the last batch of (run, boot); undefined when the collector has not had it whole or does not answer. */
export async function alreadyStored(url: string, run: string, boot: string): Promise<Record<string, number> | undefined> {
  try {
    const answer = await fetch(`${url}/v1/ledger`, { signal: AbortSignal.timeout(5000) })
    if (!answer.ok) return undefined
    const { streams } = await answer.json() as { streams: Stream[] }
    const whole = streams.find((stream) => stream.run === run && stream.boot === boot && stream.last && stream.gaps === 0)
    const counters = whole?.counters
    return counters === undefined ? undefined : { ...counters, recordsAcknowledged: counters.recordsSealed ?? 0 }
  } catch {
    return undefined
  }
}
