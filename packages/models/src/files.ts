import { BackendUnavailableError } from '@nnz/core'

interface Files {
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>
  writeFile(path: string, data: Uint8Array): Promise<void>
  stat(path: string): Promise<{ isDirectory(): boolean }>
}

interface Paths {
  join(...parts: string[]): string
  basename(path: string): string
  dirname(path: string): string
}

/** Builtin modules where the host has them, without an import that bundlers for browsers stumble over. */
function builtin<T>(name: string): T {
  const host = globalThis as unknown as { process?: { getBuiltinModule?(name: string): T } }
  const found = host.process?.getBuiltinModule?.(name)
  if (!found)
    throw new BackendUnavailableError(
      'a path was given, and this host has no files: give the bytes of the file instead',
    )
  return found
}

export const files = (): Files => builtin('node:fs/promises')
export const paths = (): Paths => builtin('node:path')
