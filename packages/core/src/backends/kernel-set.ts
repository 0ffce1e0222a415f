/** A package's compiled microkernels as base64, one binary per variant; made by the package's build. */
export interface KernelSet {
  readonly name: string
  /** First digits of the SHA-256 over the binaries: stands in benchmark records. */
  readonly hash: string
  readonly binaries: Readonly<Record<'simd' | 'relaxed' | 'simd-shared' | 'relaxed-shared', string>>
}

const loaded = new Map<string, WebAssembly.Module>()

/** Takes a module that the host compiled, for hosts that forbid compiling bytes. */
export function provideModule(setName: string, key: string, module: WebAssembly.Module): void {
  loaded.set(`${setName}/${key}`, module)
}

/** The compiled module of a set: one that the host provided, else compiled from the embedded bytes. */
export function compile(set: KernelSet, variant: 'simd' | 'relaxed', shared: boolean): WebAssembly.Module {
  const key = shared ? (`${variant}-shared` as const) : variant
  const name = `${set.name}/${key}`
  let module = loaded.get(name)
  if (!module) {
    const bytes = Uint8Array.from(atob(set.binaries[key]), (character) => character.charCodeAt(0))
    module = new WebAssembly.Module(bytes)
    loaded.set(name, module)
  }
  return module
}
