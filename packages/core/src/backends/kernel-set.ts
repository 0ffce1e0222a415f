import { BackendUnavailableError } from '../errors.ts'

/** A package's compiled microkernels as base64, one binary per variant; made by the package's build. */
export interface KernelSet {
  readonly name: string
  /** First digits of the SHA-256 over the binaries: stands in benchmark records. */
  readonly hash: string
  readonly binaries: Readonly<Record<'simd' | 'relaxed' | 'simd-shared' | 'relaxed-shared', string>>
}

const loaded = new Map<string, WebAssembly.Module>()

let provided = false

/** Whether the host gave modules of its own. */
export function hasProvidedModules(): boolean {
  return provided
}

/** Takes a module that the host compiled, for hosts that forbid compiling bytes. */
export function provideModule(setName: string, key: string, module: WebAssembly.Module): void {
  provided = true
  loaded.set(`${setName}/${key}`, module)
}

/**
 * The compiled module of a set: one that the host provided, else compiled from the embedded bytes.
 *
 * @throws BackendUnavailableError where the host forbids that
 */
export function compile(set: KernelSet, variant: 'simd' | 'relaxed', shared: boolean): WebAssembly.Module {
  const key = shared ? (`${variant}-shared` as const) : variant
  const name = `${set.name}/${key}`
  let module = loaded.get(name)
  if (!module) {
    const bytes = Uint8Array.from(atob(set.binaries[key]), (character) => character.charCodeAt(0))
    try {
      module = new WebAssembly.Module(bytes)
    } catch (cause) {
      throw new BackendUnavailableError(
        `wasm: this host does not compile the kernels of ${set.name}; give them with wasm.load('${set.name}', '${key}', module)`,
        { cause },
      )
    }
    loaded.set(name, module)
  }
  return module
}
