// Compiles the kernels, the launchers and the addon for the host: build/emulator/nnz_cuda.node, or build/sanitized/… with
// --sanitize (AddressSanitizer and UndefinedBehaviorSanitizer). With --if-possible a machine without g++ is left alone.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { values: options } = parseArgs({
  options: { sanitize: { type: 'boolean' }, 'if-possible': { type: 'boolean' } },
})
const compiler = process.env.CXX || 'g++'
const folder = join(ROOT, 'build', options.sanitize ? 'sanitized' : 'emulator')

const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined']
const flags = [
  '-std=c++17',
  '-O1',
  '-g1',
  '-fPIC',
  '-ffp-contract=off',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wno-unknown-pragmas',
  `-I${join(ROOT, 'emulator')}`,
  `-I${createRequire(import.meta.url)('node-api-headers').include_dir}`,
  ...(options.sanitize ? sanitizers : []),
]

async function sources(): Promise<string[]> {
  const found: string[] = []
  for (const pattern of ['src/**/*.{cu,cc}', 'addon/*.cc', 'emulator/*.cc'])
    for await (const file of glob(pattern, { cwd: ROOT })) found.push(file)
  return found.sort()
}

/** Everything that a compilation may read. */
async function headersHash(): Promise<string> {
  const hash = createHash('sha256').update(flags.join(' '))
  const files: string[] = []
  for await (const file of glob('{src,addon,emulator}/**/*.h', { cwd: ROOT })) files.push(file)
  for (const file of files.sort()) hash.update(file).update(await readFile(join(ROOT, file)))
  return hash.digest('hex')
}

/** The object file of a source; compiled only where the source, a header or a flag has changed. */
async function compile(source: string, headers: string): Promise<string> {
  const object = join(folder, `${source.replaceAll(/[/.\\]/g, '_')}.o`)
  const stamp = createHash('sha256')
    .update(headers)
    .update(await readFile(join(ROOT, source)))
    .digest('hex')
  const stampFile = `${object}.sha256`
  if (existsSync(object) && existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp) return object
  await run(compiler, [...flags, '-x', 'c++', '-c', join(ROOT, source), '-o', object])
  await writeFile(stampFile, stamp)
  return object
}

async function build(): Promise<void> {
  await mkdir(folder, { recursive: true })
  const headers = await headersHash()
  const waiting = await sources()
  const objects: string[] = []
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), waiting.length) }, async () => {
      for (let source = waiting.shift(); source !== undefined; source = waiting.shift())
        objects.push(await compile(source, headers))
    }),
  )
  const addon = join(folder, 'nnz_cuda.node')
  const link = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []
  await run(compiler, [...(options.sanitize ? sanitizers : []), '-shared', ...link, ...objects.sort(), '-o', addon])
  console.log(`built ${addon.slice(dirname(ROOT).length + 1)}`)
}

const found = await run(compiler, ['--version']).then(
  () => true,
  () => false,
)
if (found) await build()
else if (options['if-possible'])
  console.log(`no ${compiler}: the emulator is not built, its tests will say that they were not run`)
else throw new Error(`${compiler} was not found; set CXX to a C++17 compiler`)
