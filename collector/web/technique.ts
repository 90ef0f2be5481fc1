/** Names of the ATT&CK techniques that detectors cite (v18). */
const names = new Map([
  ['T1018', 'Remote System Discovery'], ['T1021', 'Remote Services'], ['T1021.004', 'Remote Services: SSH'], ['T1041', 'Exfiltration Over C2 Channel'],
  ['T1046', 'Network Service Discovery'], ['T1048', 'Exfiltration Over Alternative Protocol'], ['T1071', 'Application Layer Protocol'],
  ['T1071.001', 'Application Layer Protocol: Web'], ['T1071.004', 'Application Layer Protocol: DNS'], ['T1078', 'Valid Accounts'],
  ['T1110', 'Brute Force'], ['T1110.001', 'Brute Force: Password Guessing'], ['T1110.003', 'Brute Force: Password Spraying'], ['T1496', 'Resource Hijacking'],
  ['T1498', 'Network Denial of Service'], ['T1499', 'Endpoint Denial of Service'], ['T1562', 'Impair Defenses'], ['T1568.002', 'Domain Generation Algorithms'],
  ['T1571', 'Non-Standard Port'], ['T1572', 'Protocol Tunneling'], ['T1595', 'Active Scanning'], ['T1008', 'Fallback Channels'],
])

export const techniqueName = (id: string): string => names.get(id) ?? ''

/** Address of the technique's page, or undefined when `id` does not look like one. Followed only when the reader clicks. */
export const techniqueLink = (id: string): string | undefined => {
  const found = /^T(\d{4})(?:\.(\d{3}))?$/.exec(id)
  return found === null ? undefined : `https://attack.mitre.org/techniques/T${found[1]}/${found[2] === undefined ? '' : `${found[2]}/`}`
}
