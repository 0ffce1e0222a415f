// Usage: rust.ts build | check. Compiles rust/ with wasm-pack and writes rust/artifact/, or compares with what stands there.
// Needs rustup (rust/rust-toolchain.toml pins the compiler) and, on the PATH, wasm-pack and the wasm-bindgen of
// rust/Cargo.lock. Neither the build of the packages nor their tests need any of this.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const command = process.argv[2]
if (command !== 'build' && command !== 'check') {
  console.error('usage: rust.ts build | check')
  process.exit(2)
}

const crate = fileURLToPath(new URL('../rust/', import.meta.url))
const artifact = join(crate, 'artifact')
const folder = mkdtempSync(join(tmpdir(), 'nnz-rust-'))

/** No path of the machine that compiled remains in the binary: of several prefixes that fit, rustc takes the last. */
function remapped(): string[] {
  const registry = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry', 'src')
  execFileSync('cargo', ['fetch', '--locked'], { cwd: crate, stdio: 'inherit' })
  const sources = readdirSync(registry).map((name) => [join(registry, name), 'crates'])
  return [[crate, 'nnz'], ...sources].map(([from, to]) => `--remap-path-prefix=${from}=${to}`)
}

/** The module; wasm-pack's loader is not needed, since nothing is imported. */
function compile(): Buffer {
  const out = join(folder, 'out')
  execFileSync(
    'wasm-pack',
    [
      'build',
      '--target',
      'web',
      '--mode',
      'no-install',
      '--release',
      '--no-pack',
      '--out-dir',
      out,
      crate,
      '--',
      '--locked',
    ],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        CARGO_TARGET_DIR: join(folder, 'target'),
        CARGO_ENCODED_RUSTFLAGS: ['-Ctarget-feature=+simd128', ...remapped()].join('\x1f'),
      },
    },
  )
  const wasm = readFileSync(join(out, 'nnz_linear_algebra_bg.wasm'))
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm))
  if (imports.length > 0) throw new Error(`expected a module without imports, got ${JSON.stringify(imports)}`)
  const text = wasm.toString('latin1')
  for (const path of [homedir(), crate, folder])
    if (text.includes(path)) throw new Error(`${path} stands in the binary`)
  return wasm
}

try {
  const wasm = compile()
  const sum = `${createHash('sha256').update(wasm).digest('hex')}  linear-algebra.wasm\n`
  if (command === 'build') {
    mkdirSync(artifact, { recursive: true })
    writeFileSync(join(artifact, 'linear-algebra.wasm'), wasm)
    writeFileSync(join(artifact, 'SHA256SUMS'), sum)
    console.log(sum)
  } else {
    const committed = readFileSync(join(artifact, 'SHA256SUMS'), 'utf8')
    if (committed !== sum) throw new Error(`rust/artifact differs from what was compiled here:\n${committed}${sum}`)
    console.log('rust/artifact is what the sources give')
  }
} finally {
  rmSync(folder, { recursive: true })
}
