/** The page in a real browser, over the real server and a store in memory. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { severityOf } from '../../proto/alert.ts'
import { alertOf, dayMicros, hostileName, sampleLedger } from '../collector/api/samples.ts'
import { filled } from '../collector/web/filled.ts'
import type { Filled } from '../collector/web/filled.ts'

const chromiumPath = '/usr/bin/chromium'
const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
]
const installed = existsSync(chromiumPath)
if (!installed) process.stdout.write(`The page was not tested in a browser: there is no ${chromiumPath}.\n`)

let browser: BrowserContext
let profile: string
let it: Filled
let page: Page
let said: string[]
let elsewhere: string[]
const extra: (() => Promise<void>)[] = []

const loud = (what: string) => (text: { message: string } | string): void => { said.push(`${what}: ${typeof text === 'string' ? text : text.message}`) }
const rowIds = (): Promise<string[]> => page.$$eval('.row', (rows) => rows.map((row) => row.id.slice(4)))
const text = (selector: string): Promise<string> => page.innerText(selector)

describe.skipIf(!installed)('in Chromium', { timeout: 20_000 }, () => {
  beforeAll(async () => {
    profile = await mkdtemp(join(tmpdir(), 'vedette-chromium-'))
    browser = await chromium.launchPersistentContext(profile, { executablePath: chromiumPath, headless: true, args: flags,
      viewport: { width: 1440, height: 900 } })
    it = await filled()
  }, 30_000)

  afterAll(async () => {
    await browser.close()
    await it.close()
    await rm(profile, { recursive: true, force: true })
  })

  beforeEach(async () => {
    said = []
    elsewhere = []
    page = await browser.newPage()
    page.setDefaultTimeout(8000)
    page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') loud(message.type())(message.text()) })
    page.on('pageerror', loud('thrown'))
    page.on('request', (request) => { if (!/^(http|ws):\/\/127\.0\.0\.1:|^data:/.test(request.url())) elsewhere.push(request.url()) })
    // Chromium says so on the console too; thrown, it cannot be overlooked.
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', ({ violatedDirective,
        blockedURI }) => { throw new Error(`policy: ${violatedDirective} ${blockedURI}`) })
    })
  })

  afterEach(async () => {
    await page.close()
    for (const end of extra.splice(0)) await end()
    expect(said).toEqual([])
    expect(elsewhere).toEqual([])
  })

  test('the queue opens with the newest alert selected, explained beside the list', async () => {
    await page.goto(it.url)
    await page.waitForSelector('.link.live')
    expect(await rowIds()).toEqual(['a-scan', 'a-brute', 'a-dns', 'a-hostile', 'a-low'])
    expect(await text('.preview h1')).toBe('10.1.4.7 tried 112 ports on 10.1.2.10 in 10 min; 108 failed. Its usual maximum is 3.')
    expect(await text('.strip')).toMatch(/demo run[\s\S]*1\.15 M[\s\S]*≈ 0\.007 %[\s\S]*balanced/)
    expect(await text('#row-a-brute')).toMatch(/94[\s\S]*critical[\s\S]*21 min/i)
    await page.waitForSelector('.flows tbody tr')
    expect(await page.locator('.flows tbody tr').count()).toBe(20)
    expect(await page.locator('#row-a-brute .shape').evaluate((shape) => getComputedStyle(shape).fill)).not.toBe(await page.locator('#row-a-low .shape').evaluate((shape) => getComputedStyle(shape).fill))
  })

  test('a pushed alert waits behind "1 new"; a changed one changes in its place; no row moves', async () => {
    const own = await filled()
    extra.push(() => own.close())
    await page.goto(own.url)
    await page.waitForSelector('.link.live')
    const before = await rowIds()
    own.server.live.publish([own.store.put(alertOf({ id: 'pushed', risk: 99, lastMicros: dayMicros + 93 * 60e6,
      sentence: 'Something new.' }))])
    await page.waitForSelector('.news:has-text("1 new")')
    const low = own.store.byId.get('a-low') ?? alertOf({ id: 'a-low' })
    own.server.live.publish([own.store.put({ ...low, risk: 81, severity: severityOf(81), lastMicros: dayMicros + 94 * 60e6 })])
    await page.waitForSelector('#row-a-low .badge:has-text("81")')
    expect(await rowIds()).toEqual(before)
    expect(await page.title()).toBe('(1) Queue · Vedette')
    await page.keyboard.press('n')
    await page.waitForSelector('#row-pushed')
    expect((await rowIds()).slice(0, 2)).toEqual(['a-low', 'pushed'])
    expect(await text('.bar')).toContain('6 alerts')
  })

  test('the page comes back by itself with what it missed', async () => {
    const own = await filled()
    await page.goto(own.url)
    await page.waitForSelector('.link.live')
    await own.close()
    await page.waitForSelector('.link:not(.live)')
    const again = await filled({ port: own.port })
    extra.push(() => again.close())
    again.store.put(alertOf({ id: 'missed', lastMicros: dayMicros + 93 * 60e6 }))
    await page.waitForSelector('.link.live', { timeout: 15_000 })
    await page.waitForSelector('.news:has-text("1 new")')
    said = said.filter((line) => !/ERR_CONNECTION|WebSocket connection/.test(line))
  })

  test('an alert on its own page: sentence, numbers against the usual range, risk, scores, steps, flows, JSON', async () => {
    await page.goto(`${it.url}/alerts/a-brute`)
    await page.waitForSelector('.flows tbody tr')
    expect(await text('h1')).toContain('162 short SSH connections')
    const charts = page.locator('.range')
    expect(await charts.count()).toBe(3)
    const [band, value] = await Promise.all(['.band', '.value'].map(async (part) => (await charts.first().locator(part).boundingBox())?.width ?? 0))
    expect(band).toBeGreaterThan(0)
    expect(value).toBeGreaterThan((band ?? 0) * 10)
    expect(await text('.evidence')).toMatch(/usual 0 – 2[\s\S]*highest 4[\s\S]*threshold 20[\s\S]*41 times its highest so far[\s\S]*4\.1 MB[\s\S]*log scale/)
    expect(await text('.risk')).toMatch(/\+55[\s\S]*\+30[\s\S]*\+9[\s\S]*94\s+of 100/)
    expect(await text('.scores')).toMatch(/edge[\s\S]*\.93[\s\S]*centre[\s\S]*\.88/)
    expect(await text('.techniques')).toContain('T1110 Brute Force')
    expect(await page.locator('.steps code').first().innerText()).toBe('last -i | grep 203.0.113.77')
    await page.click('.raw summary')
    expect(JSON.parse(await text('.raw pre'))).toMatchObject({ id: 'a-brute', risk: 94 })
  })

  test('everything by keyboard', async () => {
    await page.goto(it.url)
    await page.waitForSelector('.link.live')
    await page.keyboard.press('j')
    await page.waitForSelector('#row-a-brute[aria-current]')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('row-a-brute')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/alerts\/a-brute/)
    await page.waitForSelector('.alert-page h1')
    await page.keyboard.press('j')
    await page.waitForURL(/\/alerts\/a-dns/)
    await page.keyboard.press('Escape')
    await page.waitForSelector('#row-a-dns[aria-current]')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('row-a-dns')
    await page.keyboard.press('o')
    await page.waitForFunction(() => document.querySelector('.row')?.id === 'row-a-brute')
    await page.keyboard.press('?')
    await page.waitForSelector('dialog[open]')
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog:not([open])', { state: 'attached' })
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.waitForURL(/\/sensors/)
    await page.keyboard.press('g')
    await page.keyboard.press('q')
    await page.waitForURL(/\/queue/)
    await page.goBack()
    await page.waitForURL(/\/sensors/)
  })

  test('names from the network are text: nothing runs, nothing is drawn, no direction turns', async () => {
    const dialogs: string[] = []
    page.on('dialog', (dialog) => { dialogs.push(dialog.message()); void dialog.dismiss() })
    await page.goto(`${it.url}/alerts/a-hostile`)
    await page.waitForSelector('.flows tbody tr')
    const shown = await text('main')
    expect(shown).toContain('a\\u{202E}gpj.exe<script>fetch("//evil.example")</script><img src=x onerror=alert(1)>\\u{0000}\\u{200B}')
    expect(await page.evaluate((name) => document.body.textContent.includes(name), hostileName)).toBe(false)
    expect(await page.evaluate(() => /[\u202a-\u202e\u2066-\u2069\u200b]/.test(document.documentElement.outerHTML))).toBe(false)
    expect(await page.locator('main img, main script').count()).toBe(0)
    await page.goto(`${it.url}/queue?entity=${encodeURIComponent('"><img src=x onerror=alert(1)>\u202e')}`)
    await page.waitForSelector('.notice')
    expect(await text('.bar')).toContain('onerror=alert(1)>\\u{202E}')
    expect(dialogs).toEqual([])
  })

  test('a next step opens the flows it speaks of, and their conditions can be taken away', async () => {
    await page.goto(`${it.url}/alerts/a-scan`)
    await page.click('.steps a:has-text("show these flows")')
    await page.waitForURL(/\/flows\?run=demo&initiator=10\.1\.4\.7|\/flows\?initiator=10\.1\.4\.7/)
    await page.waitForSelector('.flows tbody tr')
    expect(await page.locator('.flows tbody tr').count()).toBe(20)
    await page.click('.chip.filter')
    await page.waitForFunction(() => document.querySelectorAll('.flows tbody tr').length === 41)
    await page.keyboard.press('Escape')
    await page.waitForSelector('.alert-page')
    await page.goto(`${it.url}/flows?host=10.1.4.31`)
    await page.waitForFunction(() => document.querySelectorAll('.flows tbody tr').length === 8)
  })

  test('the ledger: equal sides say so, unequal ones are red, estimates are marked', async () => {
    const own = await filled()
    extra.push(() => own.close())
    await page.goto(`${own.url}/sensors`)
    await page.waitForSelector('.stage')
    expect(await text('.ledger h1')).toBe('Everything is accounted for')
    expect(await page.locator('.stage').count()).toBe(10)
    expect(await text('.estimates')).toMatch(/estimates[\s\S]*≈ 49 packets the kernel dropped/)
    own.ledger.now = sampleLedger(true)
    await page.reload()
    await page.waitForSelector('.stage.unequal')
    expect(await page.locator('.stage.unequal').count()).toBe(2)
    expect(await text('.stage.unequal')).toContain('23 missing')
    expect(await text('.strip')).toContain('unequal')
  })

  test('an empty queue says why, a filter that hides everything too, and a lost page is found', async () => {
    const own = await filled({ alerts: false })
    extra.push(() => own.close())
    await page.goto(own.url)
    await page.waitForSelector('.notice.clear')
    expect(await text('.notice')).toMatch(/Queue clear[\s\S]*1\.15 M packets/)
    own.server.live.publish([own.store.put(alertOf({ id: 'first' }))])
    await page.waitForSelector('#row-first')
    await page.goto(`${own.url}/queue?severity=critical`)
    await page.waitForSelector('.notice:has-text("Nothing passes this filter")')
    await page.click('.notice .button')
    await page.waitForSelector('#row-first')
    await page.goto(`${own.url}/alerts/none`)
    await page.waitForSelector('.notice:has-text("does not exist")')
    said = said.filter((line) => !line.includes('404'))
  })

  test('at 390 px: cards, tabs at the bottom, targets of 44 px, nothing wider than the screen', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(it.url)
    await page.waitForSelector('.row')
    expect(await page.locator('.preview').count()).toBe(0)
    for (const path of ['/queue', '/sensors', '/alerts/a-scan', '/alerts/a-hostile']) {
      await page.goto(`${it.url}${path}`)
      await page.waitForSelector('.row, .stage, .flows tbody tr')
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(390)
      expect(await page.evaluate(() => document.querySelector('main')?.scrollWidth), path).toBeLessThanOrEqual(390)
    }
    for (const box of await page.$$eval('.rail a:not(.home), .row',
      (all) => all.map((one) => one.getBoundingClientRect().height))) expect(box).toBeGreaterThanOrEqual(44)
    await page.goto(it.url)
    await page.click('#row-a-dns')
    await page.waitForURL(/\/alerts\/a-dns/)
    await page.click('.back')
    await page.waitForSelector('#row-a-dns')
  })

  test('the first load is small and soon useful', async () => {
    expect(it.script.gzipOctets).toBeLessThan(60_000)
    await page.goto(it.url)
    await page.waitForSelector('.row')
    const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity)
    expect(painted).toBeLessThan(3000)
    expect(await page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).length)).toBe(1)
  })

  test('light and dark, by the system and by choice', async () => {
    const paper = (): Promise<string> => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.goto(it.url)
    await page.waitForSelector('.row')
    const dark = await paper()
    await page.keyboard.press('d')
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('light')
    expect(await paper()).not.toBe(dark)
    await page.keyboard.press('d')
    expect(await paper()).toBe(dark)
    await page.keyboard.press('d')
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBeUndefined()
  })
})
