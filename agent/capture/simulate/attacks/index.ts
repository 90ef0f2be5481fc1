/** The attacks by kind. */
import type { AttackKind } from '../options.ts'
import type { Attack } from './attack.ts'
import { beacon } from './beacon.ts'
import { bruteForce } from './brute-force.ts'
import { dnsTunnel } from './dns-tunnel.ts'
import { exfiltration } from './exfiltration.ts'
import { hostSweep } from './host-sweep.ts'
import { portScan } from './port-scan.ts'
import { synFlood } from './syn-flood.ts'

export const attackScripts: Readonly<Record<AttackKind, Attack>> = {
  'port-scan': portScan,
  'host-sweep': hostSweep,
  'brute-force': bruteForce,
  'dns-tunnel': dnsTunnel,
  beacon,
  exfiltration,
  'syn-flood': synFlood,
}
