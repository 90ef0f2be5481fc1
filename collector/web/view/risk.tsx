/** Where the risk comes from, and the two model scores side by side. */
import type { Alert, Evidence } from '../../../proto/alert.ts'
import { quantity, visible } from '../format.ts'

const apart = 0.25

export function Risk({ alert: { risk, riskParts } }: { alert: Alert }): preact.JSX.Element {
  const total = Math.max(100, riskParts.reduce((sum, { points }) => sum + Math.max(0, points), 0))
  let from = 0
  return (
    <div class="risk">
      <svg class="stack" height="12" width="100%" aria-hidden="true">
        <rect class="track" x="0" y="1" width="100%" height="10" rx="2" />
        {riskParts.filter(({ points }) => points > 0).map(({ name, points }, index) => {
          const x = from
          from += points / total * 100
          return <rect key={name} class={`slice n${index % 4}`} x={`${x}%`} y="1" width={`${Math.max(0.3, points / total * 100 - 0.4)}%`} height="10" rx="2" />
        })}
      </svg>
      <ul>
        {riskParts.map(({ name, points, reason }, index) => (
          <li key={name}><i class={`swatch n${index % 4}`} /><b>{points > 0 ? '+' : ''}{Math.round(points * 10) / 10}</b><span><bdi>{visible(reason === '' ? name : reason)}</bdi></span></li>
        ))}
        <li class="sum"><i /><b>{Math.round(risk)}</b><span>of 100</span></li>
      </ul>
    </div>
  )
}

function Score({ name, where, value }: { name: string, where: string, value: number | undefined }): preact.JSX.Element {
  return (
    <div class="score">
      <dt>{name}<small>{where}</small></dt>
      <dd>
        <svg class="gauge" height="8" width="100%" aria-hidden="true"><rect class="track" width="100%" height="8" rx="4" />{value === undefined ? null : <rect class="value" width={`${value * 100}%`} height="8" rx="4" />}</svg>
        {value === undefined ? <span class="quiet">not scored</span> : <b>{value.toFixed(2).replace(/^0/, '')}</b>}
      </dd>
    </div>
  )
}

/** 0 is usual, 1 was never seen. Both look at single flows; the detector looked at many. */
/** How rare a score is among the flows of its sensor, in words; '' where too few were seen. */
function rarity(evidence: readonly Evidence[], name: string): string {
  const tail = evidence.find((one) => one.name === name)?.value
  return tail === undefined || tail <= 0 ? '' : `1 in ${quantity(Math.round(1 / tail), '')} flows`
}

type ScoresProps = { edge: number | undefined, centre: number | undefined, evidence: readonly Evidence[] }

export function Scores({ edge, centre, evidence }: ScoresProps): preact.JSX.Element {
  return (
    <>
      <dl class="scores">
        <Score name="edge" where={rarity(evidence, 'edge-tail') || 'on the sensor'} value={edge} />
        <Score name="centre" where={rarity(evidence, 'central-tail') || 'in the collector'} value={centre} />
      </dl>
      {edge !== undefined && centre !== undefined && Math.abs(edge - centre) >= apart
        ? <p class="disagree">They disagree: the {centre > edge ? 'centre' : 'edge'} finds its most unusual flow stranger.</p>
        : <p class="quiet">0 is usual, 1 was never seen; the most unusual flow counts.</p>}
    </>
  )
}
