// Writes the table of kernels of each package into its README, between the markers; with --check only says where one is old.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const [START, END] = ['<!-- kernels -->', '<!-- /kernels -->']
const NEEDS = { js: 'plain JS', simd: 'WASM, base SIMD', relaxed: 'WASM, relaxed SIMD' }

function table(kernels) {
  const rows = kernels.map(({ name, variant, format, dense, types }) => {
    const needs = NEEDS[variant.split('_')[0]] ?? variant
    return `| \`${name}\` | ${needs} | ${format} | ${types.accumulator} | ${dense ? 'dense' : 'sparse'} |`
  })
  return ['| kernel | runs on | packing | sums in | multiplies |', '|---|---|---|---|---|', ...rows].join('\n')
}

let old = 0
for (const name of readdirSync(new URL('packages/', root))) {
  const folder = new URL(`packages/${name}/`, root)
  const readme = new URL('README.md', folder)
  if (!existsSync(readme)) continue
  const text = readFileSync(readme, 'utf8')
  const [start, end] = [text.indexOf(START), text.indexOf(END)]
  if (start < 0 || end < start) continue
  const exported = await import(new URL('dist/index.js', folder))
  const tables = Object.entries(exported).flatMap(([key, rows]) => (/^(k|\w+K)ernels$/.test(key) ? rows : []))
  // A package of several operations exports the table of each, and all together.
  const kernels = [...new Set(tables)]
  const written = `${text.slice(0, start + START.length)}\n\n${table(kernels)}\n\n${text.slice(end)}`
  if (written === text) continue
  old++
  if (process.argv.includes('--check')) console.error(`packages/${name}/README.md: the table of kernels is old`)
  else writeFileSync(readme, written)
}
process.exitCode = process.argv.includes('--check') && old > 0 ? 1 : 0
