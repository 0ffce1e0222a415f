import type { Importer } from '../../../src/baselines/packages.ts'

type Packages = typeof import('../../../src/baselines/packages.ts')

export type { Importer }

/** Where the build puts what baselines load by themselves, beside the folder of this script. */
const FOLDER = '../baselines/'
const ASSETS = new URL(/* @vite-ignore */ FOLDER, import.meta.url)

const BUNDLED: Record<string, () => Promise<unknown>> = {
  'onnx-proto': async () => (await import('onnx-proto')).default,
  '@tensorflow/tfjs-core': oneThreadedTfjs,
  '@tensorflow/tfjs-backend-wasm': () => import('@tensorflow/tfjs-backend-wasm'),
}

/** Its record says one thread, as in Node.js. */
async function oneThreadedTfjs(): Promise<unknown> {
  const tf = await import('@tensorflow/tfjs-core')
  // It registers the flag.
  await import('@tensorflow/tfjs-backend-wasm')
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  return tf
}

export const importPackage: Importer = async (name) => {
  const load = BUNDLED[name]
  if (load === undefined) throw Object.assign(new Error(`a page cannot load ${name}`), { code: 'MODULE_NOT_FOUND' })
  return load()
}

let copies = 0

/** Another address is another copy of the module: ONNX Runtime fixes its number of threads when it first starts. */
export const requireOwnOnnxRuntime: Importer = async (name) => {
  if (name !== 'onnxruntime-web') return importPackage(name)
  const url = new URL(`onnxruntime-web/ort.wasm.bundle.min.mjs?copy=${copies++}`, ASSETS).href
  return import(/* @vite-ignore */ url)
}

export const entryFolder: Packages['entryFolder'] = (name) => new URL(`${name.split('/').at(-1)}/`, ASSETS).href

export const loadPackage: Packages['loadPackage'] = async <T>(name: string, importer: Importer) => {
  try {
    return (await importer(name)) as T
  } catch (cause) {
    throw new Error(`${name} cannot be loaded: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
