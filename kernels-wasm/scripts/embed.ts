#!/usr/bin/env node
// Usage: nnz-embed-wasm <set> <output.ts>, from a package's folder.
// Writes the set's binaries as base64 into a TypeScript module, and copies the raw files to dist/wasm/, those of a set that
// does not bear the package's name to dist/wasm/<set>/.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'

const [set, output] = process.argv.slice(2)
const source = new URL(`../dist/${set}/`, import.meta.url)
const { name } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string }
const raw = name.endsWith(`/${set}`) ? 'dist/wasm' : `dist/wasm/${set}`
const fields: string[] = []
mkdirSync(raw, { recursive: true })
const digest = createHash('sha256')
for (const file of readdirSync(source).sort()) {
  const bytes = readFileSync(new URL(file, source))
  digest.update(bytes)
  writeFileSync(`${raw}/${file}`, bytes)
  fields.push(`  '${basename(file, '.wasm')}': '${bytes.toString('base64')}',`)
}
mkdirSync(dirname(output), { recursive: true })
writeFileSync(
  output,
  `// Generated from the set ${set} of kernels-wasm by nnz-embed-wasm; not committed.\n` +
    `export const name = '${set}'\nexport const hash = '${digest.digest('hex').slice(0, 16)}'\nexport const binaries = {\n${fields.join('\n')}\n}\n`,
)
