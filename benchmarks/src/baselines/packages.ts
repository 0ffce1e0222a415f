import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Loads an optional package by name. Tests put their own in its place. */
export type Importer = (name: string) => Promise<unknown>

/** `import()`; of a CommonJS package, what it exports. */
export const importPackage: Importer = async (name) => {
  const namespace = (await import(name)) as { default?: unknown }
  return namespace.default ?? namespace
}

/**
 * A copy of ONNX Runtime of its own, with its own registry of backends: packages for Node and for WASM share the one in
 * onnxruntime-common, and the WASM one fixes its number of threads when it first starts.
 */
export const requireOwnOnnxRuntime: Importer = async (name) => {
  const require = createRequire(import.meta.url)
  for (const path of Object.keys(require.cache)) {
    if (/[\\/]onnxruntime-(?:web|node|common)[\\/].*\.[cm]?js$/.test(path)) delete require.cache[path]
  }
  return require(name)
}

/** The folder of a package's entry, as its own code takes it: with a slash at the end. */
export function entryFolder(name: string): string {
  return dirname(fileURLToPath(import.meta.resolve(name))) + sep
}

/**
 * Loads an optional package.
 *
 * @throws Error that names the package, and how to install it where it is not there
 */
export async function loadPackage<T>(name: string, importer: Importer): Promise<T> {
  try {
    return (await importer(name)) as T
  } catch (cause) {
    const { code, message } = cause as { code?: string; message?: string }
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    throw new Error(
      absent ? `${name} is not installed: npm install ${name}` : `${name} cannot be loaded: ${message ?? cause}`,
      { cause },
    )
  }
}
