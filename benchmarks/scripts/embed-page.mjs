// Bundles src/report/page into one script, and writes it with its style as a module of strings that the report inlines.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const page = join(root, 'src/report/page')
const target = join(root, 'src/generated/page.ts')

const bundle = await rolldown({ input: join(page, 'main.ts'), platform: 'browser' })
const { output } = await bundle.generate({ format: 'iife', minify: true })
await bundle.close()
const [chunk] = output

/** The notice of every package whose code is inside. */
async function noticeOf(folder) {
  const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${name} has no licence file to quote`)
  return `${name} ${version}\n\n${(await readFile(join(folder, file), 'utf8')).trim()}`
}

const folders = new Set(
  chunk.moduleIds.flatMap((id) => id.match(/^.*node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/)?.[0] ?? []),
)
const notices = await Promise.all([...folders].sort().map(noticeOf))
const banner = `/*! This script contains:\n\n${notices.join('\n\n---\n\n')}\n*/\n`
const uplotStyle = join(dirname(require.resolve('uplot')), 'uPlot.min.css')
const style = (await readFile(uplotStyle, 'utf8')) + (await readFile(join(page, 'style.css'), 'utf8'))

const literal = (text) => JSON.stringify(text.replaceAll('</script', '<\\/script'))
await mkdir(dirname(target), { recursive: true })
await writeFile(
  target,
  `export const pageScript = ${literal(banner + chunk.code)}\nexport const pageStyle = ${literal(style)}\n`,
)
