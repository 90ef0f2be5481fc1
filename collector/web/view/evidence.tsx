/** The numbers that made an alert, each drawn against the usual range of its subject and said in words as well. */
import type { Evidence } from '../../../proto/alert.ts'
import { quantity, visible } from '../format.ts'
import { comparison, rangeChart } from '../scale.ts'

const percent = (value: number): string => `${value}%`

function Chart({ evidence }: { evidence: Evidence }): preact.JSX.Element {
  const { value, band, maximum, threshold } = rangeChart(evidence)
  return (
    <svg class="range" height="30" width="100%" aria-hidden="true">
      <rect class="track" x="0" y="12" width="100%" height="6" rx="3" />
      {band === undefined ? null : <rect class={evidence.usual?.learning === true ? 'band so-far' : 'band'} x={percent(band.from)} y="6" width={percent(Math.max(0.6, band.to - band.from))} height="18" rx="2" />}
      <rect class="value" x="0" y="12" width={percent(value)} height="6" rx="3" />
      {maximum === undefined || evidence.usual?.learning === true ? null : <line class="maximum" x1={percent(maximum)} x2={percent(maximum)} y1="5" y2="25" />}
      {threshold === undefined ? null : <line class="threshold" x1={percent(threshold)} x2={percent(threshold)} y1="2" y2="28" />}
      <circle class="end" cx={percent(value)} cy="15" r="5" />
    </svg>
  )
}

function Legend({ evidence: { unit, threshold, usual } }: { evidence: Evidence }): preact.JSX.Element {
  const write = (value: number): string => visible(quantity(value, unit, false))
  const span = usual === undefined ? '' : usual.low === usual.high ? write(usual.high) : `${write(usual.low)} – ${write(usual.high)}`
  return (
    <p class="legend">
      {usual === undefined ? null : usual.learning
        ? <span class="learning">so far {span}, still learning ({usual.windows} {usual.windows === 1 ? 'window' : 'windows'})</span>
        : <span class="of-band" title={`learnt from ${usual.windows} windows`}>usual {span}</span>}
      {usual === undefined || usual.learning ? null : <span class="of-maximum">highest {write(usual.maximum)}</span>}
      {threshold === undefined ? null : <span class="of-threshold">threshold {write(threshold)}</span>}
    </p>
  )
}

/** A number with neither a usual range nor a threshold says itself; a bar would pretend to a scale. */
const isComparable = ({ usual, threshold }: Evidence): boolean => usual !== undefined || threshold !== undefined

/** Scores of the models are drawn beside each other, in a panel of their own. */
export const isOfModel = ({ name }: Evidence): boolean => /^(edge|central)-(score|tail)$/.test(name)

export function EvidenceList({ evidence }: { evidence: readonly Evidence[] }): preact.JSX.Element {
  return (
    <ul class="evidence">
      {evidence.map((one) => (
        <li key={one.name}>
          <div class="number"><b><bdi>{visible(quantity(one.value, one.unit))}</bdi></b><span><bdi>{visible(one.label)}</bdi></span></div>
          <div class="drawn">
            {isComparable(one) ? <Chart evidence={one} /> : null}
            <Legend evidence={one} />
          </div>
          <p class="said">{comparison(one)}{rangeChart(one).kind === 'log' ? <small>log scale</small> : null}</p>
        </li>
      ))}
    </ul>
  )
}
