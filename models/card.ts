/**
 * The model card that lies in a bundle as README.md: what the model is for, what it learnt from, how good it is, what
 * it cannot do. Written from the manifest, so that it cannot say anything else.
 */
import type { BundleParts } from './bundle.ts'
import { scoreOfTail } from './calibration.ts'

const share = (x: number): string => x.toFixed(3).replace(/^0/, '')
const whole = (n: number): string => n.toLocaleString('en-GB')
const day = (micros: number): string => new Date(micros / 1000).toISOString().slice(0, 16).replace('T', ' ')

/** The card, as Markdown. */
export function modelCard(manifest: BundleParts['manifest']): string {
  const { name, version, features, training, metrics, vantages } = manifest
  const lines = [
    `# ${name}, version ${String(version)}`,
    '',
    `A small autoencoder over ${String(features.names.length)} numbers of one flow (feature list ${features.hash}, in \`proto/feature.ts\`). It gives a`,
    'score of 0 (usual) to 1 (never seen), and the squared error of each number, which says what was unusual.',
    '',
    '## What it is for',
    '',
    'Evidence beside the detectors: a high score raises the risk of a host by at most 10 points. It never raises an alert by itself, and it',
    'should not: no score of single flows is good enough for that (see the figures below).',
    `It is made for flows seen at: ${vantages.join(', ')}.`,
    '',
    '## What a score says',
    '',
    'How rare such a flow was in the traffic it was calibrated on: .2 is one flow in 10, .4 one in 100, .6 one in 1,000, .8 one in 10,000.',
    'Other networks have other habits: there the collector turns scores into a rank among the last days of the same sensor.',
    '',
    '## What it learnt from',
    '',
    `${training.source}. ${whole(training.rows)} flows to learn from, ${whole(training.held)} later ones to calibrate on,`,
    `begun ${day(training.fromMicros)} to ${day(training.toMicros)} UTC, seed ${String(training.seed)}. Attacks were left out.`,
    '',
    '## How good it is',
    '',
  ]
  if (metrics === undefined) lines.push('Not measured.')
  else {
    lines.push(
      `On captures of other seeds, which it has not seen: ${whole(metrics.benign)} benign and ${whole(metrics.attack)} attack flows.`,
      `Averaged over the kinds of attack: ROC-AUC ${share(metrics.meanRocAuc)}; with ${share(metrics.falsePositives)} of the benign flows above the threshold,`,
      `${share(metrics.meanRecallAtBudget)} of the attack flows are. (Over all flows alike ROC-AUC is ${share(metrics.rocAuc)}, average precision ${share(metrics.prAuc)}, recall`,
      `${share(metrics.recallAtBudget)}: most attack flows belong to the kinds that make many.)`,
      '',
      '| attack | flows | above the threshold | ROC-AUC |',
      '|---|---|---|---|',
      ...metrics.byKind.map(({ kind, flows, recallAtBudget, rocAuc }) => `| ${kind} | ${whole(flows)} | ${share(recallAtBudget)} | ${share(rocAuc)} |`),
      '',
      'How far the scale carries over to those captures:',
      '',
      '| score above | should be | is, of the benign flows |',
      '|---|---|---|',
      ...metrics.tails.map(({ tail, share: met }) => `| ${scoreOfTail(tail).toFixed(1)} | ${String(tail)} | ${String(met)} |`),
    )
  }
  lines.push(
    '',
    '## What it cannot do',
    '',
    '* These are simulated attacks in simulated traffic. On real networks expect less: train on your own flows.',
    '* An attack whose single flows look like everyday ones (a beacon, a slow scan) has a low score by design; detectors over many flows find those.',
    '* It knows no addresses and no names.',
    '* What was in the training traffic is usual to it, whatever it was.',
    '',
  )
  return lines.join('\n')
}
