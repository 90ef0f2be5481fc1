/** Everything that happens in the office by itself, by name. */
import type { Lan } from '../lan.ts'
import { startAdmin } from './admin.ts'
import { startAntivirus } from './antivirus.ts'
import { startBackground } from './background.ts'
import { startBackup } from './backup.ts'
import { startPhones, startPrinting } from './devices.ts'
import { startFailing } from './failing.ts'
import { startFiles } from './files.ts'
import { startIntranet } from './intranet.ts'
import { startArp, startDhcp, startLldp, startNeighbours, startNtp } from './link.ts'
import { startMail } from './mail.ts'
import { startMonitoring } from './monitoring.ts'
import { startNames } from './names.ts'
import { startUpstream } from './upstream.ts'
import { startWeb } from './web.ts'

/** Starts the behaviour's scripts; its frames are counted under `name`. */
export type Behaviour = (lan: Lan, name: string) => void

export const benignScripts: Readonly<Record<string, Behaviour>> = {
  web: startWeb,
  background: startBackground,
  intranet: startIntranet,
  mail: startMail,
  files: startFiles,
  antivirus: startAntivirus,
  names: startNames,
  upstream: startUpstream,
  admin: startAdmin,
  backup: startBackup,
  monitoring: startMonitoring,
  printing: startPrinting,
  phones: startPhones,
  failing: startFailing,
  ntp: startNtp,
  dhcp: startDhcp,
  arp: startArp,
  neighbours: startNeighbours,
  lldp: startLldp,
}
