/**
 * Bundles the page into dist/: index.html, one script and one style sheet with a hash in their names, each also compressed. Run by
 * set-up when a source is newer, and by `npm run web`. Takes well under a second, says nothing, and leaves no half-written page:
 * index.html is written last. The page has no inline script or style, so the server can forbid them.
 */
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))

/** Browsers that know light-dark() and everything else the page uses without translation. */
const target = ['chrome123', 'firefox121', 'safari17.5']

export type PageFile = { name: string, octets: number, gzipOctets: number }

/** Writes the page into `folder` (made when missing; what an earlier bundle left there is removed). Throws what esbuild throws. */
export async function bundlePage(folder: string): Promise<PageFile[]> {
  const { outputFiles } = await build({
    entryPoints: [{ in: join(here, 'app.tsx'), out: 'app' }, { in: join(here, 'style/main.css'), out: 'app' }],
    outdir: folder, entryNames: '[name]-[hash]', bundle: true, minify: true, write: false, format: 'esm', platform: 'browser', target,
    jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none', charset: 'utf8', logLevel: 'silent', define: { 'process.env.NODE_ENV': '"production"' },
  })
  await mkdir(folder, { recursive: true })
  const files: PageFile[] = []
  for (const { path, contents } of outputFiles) files.push(await writeFileCompressed(folder, basename(path), contents))
  files.push(await writeFileCompressed(folder, 'favicon.svg', await readFile(join(here, 'favicon.svg'))))
  const nameOf = (ending: string): string => files.find(({ name }) => name.endsWith(ending))?.name ?? ''
  const html = (await readFile(join(here, 'index.html'), 'utf8')).replace('app.css', nameOf('.css')).replace('app.js', nameOf('.js'))
  await writeFile(join(folder, 'index.html.new'), html)
  await rename(join(folder, 'index.html.new'), join(folder, 'index.html'))
  const kept = new Set(['index.html', ...files.flatMap(({ name }) => [name, `${name}.br`, `${name}.gz`])])
  for (const name of await readdir(folder)) if (!kept.has(name)) await rm(join(folder, name), { recursive: true })
  return files
}

async function writeFileCompressed(folder: string, name: string, contents: Uint8Array): Promise<PageFile> {
  const [zipped, brotli] = await Promise.all([
    promisify(gzip)(contents, { level: 9 }),
    promisify(brotliCompress)(contents, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  ])
  const written = [['', contents], ['.gz', zipped], ['.br', brotli]] as const
  await Promise.all(written.map(([ending, bytes]) => writeFile(join(folder, `${name}${ending}`), bytes)))
  return { name, octets: contents.length, gzipOctets: zipped.length }
}

if (import.meta.main) {
  await bundlePage(join(here, 'dist')).catch((error: unknown) => {
    process.stderr.write(`E_SETUP_WEB: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  })
}
