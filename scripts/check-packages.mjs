// publint and attw on every public package; then the kernel packages, packed, installed into an empty folder under npm and
// under pnpm, where an example that imports @nnz/spmm alone must run.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

const windows = process.platform === 'win32'
const bin = resolve('node_modules/.bin')
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }

function run(command, args, cwd = '.') {
  console.log(`> ${command} ${args.join(' ')}`)
  return execFileSync(windows ? `${command}.cmd` : command, args, { cwd, env, encoding: 'utf8', shell: windows })
}

const folders = [...readdirSync('packages').map((name) => `packages/${name}`), 'benchmarks']
const packed = mkdtempSync(join(tmpdir(), 'nnz-pack-'))
try {
  const tarballs = {}
  for (const folder of folders) {
    const { name, private: hidden } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    if (hidden) continue
    const [{ filename, size }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', packed], folder))
    tarballs[name] = join(packed, filename)
    console.log(`  ${name}: ${(size / 1024).toFixed(1)} kB packed`)
    console.log(run('publint', ['--strict', folder]))
    console.log(
      run('attw', [
        tarballs[name],
        '--profile',
        'esm-only',
        ...(name === '@nnz/bench' ? ['--exclude-entrypoints', '.'] : []),
      ]),
    )
  }
  const example = readFileSync('examples/node/pruned-layer.mjs', 'utf8')
  for (const manager of ['npm', 'pnpm']) {
    const folder = join(packed, manager)
    mkdirSync(folder)
    const overrides = { '@nnz/core': `file:${tarballs['@nnz/core']}` }
    const manifest = {
      name: 'empty',
      private: true,
      type: 'module',
      dependencies: { '@nnz/core': overrides['@nnz/core'], '@nnz/spmm': `file:${tarballs['@nnz/spmm']}` },
      overrides,
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'example.mjs'), example)
    // Where pnpm looks for overrides.
    writeFileSync(join(folder, 'pnpm-workspace.yaml'), `overrides:\n  '@nnz/core': '${overrides['@nnz/core']}'\n`)
    run(manager, ['install', '--ignore-scripts'], folder)
    const output = run('node', ['example.mjs'], folder)
    if (!output.includes('largest difference'))
      throw new Error(`the example printed ${JSON.stringify(output)} under ${manager}`)
    console.log(output)
  }
} finally {
  rmSync(packed, { recursive: true, force: true })
}
console.log('packages: every one passes')
