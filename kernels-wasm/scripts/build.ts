// Compiles assembly/<set>/index.ts of every set into dist/<set>/<variant>.wasm, in four variants:
// {simd, relaxed} x {unshared, shared memory}. Names of sets as arguments build only those. What Rust gave (rust.ts) becomes
// the set linear-algebra.
import { cp, mkdir, readdir } from 'node:fs/promises'
import asc from 'assemblyscript/asc'

const root = new URL('..', import.meta.url)

const FLAGS = [
  '-O3',
  '--converge',
  '--noAssert',
  '--importMemory',
  '--noExportMemory',
  '--runtime',
  'stub',
  '--enable',
  'simd',
]
const RELAXED = ['--enable', 'relaxed-simd']
const SHARED = ['--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536', '--enable', 'threads']
const VARIANTS = {
  simd: [],
  relaxed: RELAXED,
  'simd-shared': SHARED,
  'relaxed-shared': [...RELAXED, ...SHARED],
}

const asked = process.argv.slice(2)
const sets = (await readdir(new URL('assembly/', root), { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && entry.name !== 'lib')
  .map((entry) => entry.name)
  .filter((name) => asked.length === 0 || asked.includes(name))

for (const set of sets) {
  await mkdir(new URL(`dist/${set}/`, root), { recursive: true })
  for (const [variant, flags] of Object.entries(VARIANTS)) {
    const { error, stderr } = await asc.main([
      `assembly/${set}/index.ts`,
      '-o',
      `dist/${set}/${variant}.wasm`,
      '--baseDir',
      new URL('.', root).pathname,
      ...FLAGS,
      ...flags,
    ])
    if (error) {
      console.error(stderr.toString())
      process.exit(1)
    }
  }
}
await mkdir(new URL('dist/linear-algebra/', root), { recursive: true })
await cp(new URL('rust/artifact/linear-algebra.wasm', root), new URL('dist/linear-algebra/linear-algebra.wasm', root))
console.log(`kernels-wasm: built ${sets.length} sets x ${Object.keys(VARIANTS).length} variants`)
