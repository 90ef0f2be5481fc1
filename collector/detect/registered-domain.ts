/**
 * The registered domain of a DNS name: one label more than its public suffix (what anybody can register below). The full
 * Public Suffix List (publicsuffix.org) has some 9,800 rules; this table holds the common suffixes of two labels and the
 * hosting suffixes whose customers must not be thrown together. A suffix that is missing here makes the domain one label
 * too short: names of its owners are then counted together, which the limit on hosts per domain keeps quiet.
 */

const secondLevel: Readonly<Record<string, string>> = {
  ar: 'com edu gob gov int mil net org tur', at: 'ac co gv or', au: 'asn com edu gov id net org', bd: 'com edu gov net org', bo: 'com edu gob org net',
  br: 'art blog com eco edu gov ind leg mil net nom org tur tv', cn: 'ac com edu gov mil net org', co: 'com edu gov mil net nom org',
  cy: 'ac com gov net org', ec: 'com edu fin gob gov info net org', eg: 'com edu gov net org', es: 'com edu gob nom org', fj: 'ac com gov net org',
  gh: 'com edu gov mil org', gr: 'com edu gov net org', gt: 'com edu gob net org', hk: 'com edu gov idv net org', hu: 'co info org',
  id: 'ac biz co desa go mil my net or sch web', il: 'ac co gov idf k12 muni net org', in: 'ac co edu firm gen gov ind mil net nic org res',
  ir: 'ac co gov id net org sch', jm: 'com edu gov net org', jp: 'ac ad co ed go gr lg ne or', ke: 'ac co go info me mobi ne or sc',
  kr: 'ac co es go hs kg mil ms ne or pe re sc', kw: 'com edu gov net org', lb: 'com edu gov net org', lk: 'ac com edu gov net org sch',
  ma: 'ac co gov net org press', mm: 'com edu gov net org', mo: 'com edu gov net org', mt: 'com edu net org', mx: 'com edu gob net org',
  my: 'com edu gov mil name net org', mz: 'ac co gov net org', ng: 'com edu gov mil mobi name net org sch', ni: 'ac co com edu gob net org',
  np: 'com edu gov mil net org', nz: 'ac co cri geek gen govt health iwi kiwi maori mil net org parliament school', om: 'co com edu gov net org',
  pa: 'ac com edu gob net org', pe: 'com edu gob mil net nom org', pg: 'ac com gov net org', ph: 'com edu gov mil net ngo org',
  pk: 'biz com edu fam gob gok gon gop gos gov info net org web', pl: 'com edu gov info mil net org waw', pr: 'biz com edu gov info isla name net org pro',
  pt: 'com edu gov int net nome org publ', py: 'com coop edu gov mil net org', qa: 'com edu gov mil name net org sch', ro: 'com info nom org store tm www',
  ru: 'ac com edu gov int mil net org pp', sa: 'com edu gov med net org pub sch', sg: 'com edu gov net org per', sv: 'com edu gob org red',
  th: 'ac co go in mi net or', tr: 'av bbs bel biz com dr edu gen gov info k12 mil name net org pol tel tv web', tw: 'club com edu game gov idv mil net org',
  tz: 'ac co go hotel info me mil mobi ne or sc tv', ua: 'com edu gov in kiev kyiv lviv net odessa org', ug: 'ac co com go ne or org sc',
  uk: 'ac co gov ltd me net nhs org plc police sch', uy: 'com edu gub mil net org', ve: 'co com edu firm gob gov info mil net org web', vn: 'ac biz com edu gov health info int name net org pro',
  za: 'ac agric alt co edu gov grondar law mil net ngo nic nis nom org school tm web', zm: 'ac biz co com edu gov info mil net org sch', zw: 'ac co gov mil org',
}

const hosting = [
  'amazonaws.com', 'appspot.com', 'azure-api.net', 'azureedge.net', 'azurewebsites.net', 'blogspot.com', 'cloudapp.azure.com', 'cloudapp.net', 'cloudfront.net',
  'core.windows.net', 'duckdns.org', 'dyndns.org', 'elasticbeanstalk.com', 'fastly.net', 'firebaseapp.com', 'github.io', 'gitlab.io', 'herokuapp.com', 'hopto.org',
  'netlify.app', 'ngrok.io', 'no-ip.org', 'onrender.com', 'pages.dev', 's3.amazonaws.com', 'servehttp.com', 'trafficmanager.net', 'vercel.app', 'web.app', 'workers.dev', 'zapto.org',
]

const suffixes = new Set<string>(hosting)
for (const [country, names] of Object.entries(secondLevel)) for (const name of names.split(' ')) suffixes.add(`${name}.${country}`)

/**
 * Registered domain of a name (lower case, no trailing dot) and what stands before it. Undefined for reverse look-ups,
 * names without a dot, and names of the local link, which nobody registered.
 */
export function registeredDomain(name: string): { domain: string, below: string } | undefined {
  const ends: number[] = []
  for (let at = name.length, i = 0; i < 4 && at > 0; i++) {
    at = name.lastIndexOf('.', at - 1)
    ends.push(at)
    if (at < 0) break
  }
  const label = (count: number): string => name.slice((ends[count - 1] ?? -1) + 1)
  const top = label(1)
  if (ends[0] === undefined || ends[0] < 0 || top === 'arpa' || top === 'local' || top === '') return undefined
  let labels = 2
  if (ends.length > 1 && ends[1] >= 0 && suffixes.has(label(2))) labels = 3
  if (ends.length > 2 && ends[2] >= 0 && suffixes.has(label(3))) labels = 4
  const start = ends[labels - 1]
  if (start === undefined || start < 0) return { domain: name, below: '' }
  return { domain: name.slice(start + 1), below: name.slice(0, start) }
}
