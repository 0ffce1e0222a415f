import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const source = fileURLToPath(new URL('../../src/', import.meta.url))
const host = fileURLToPath(new URL('../host/', import.meta.url))

/** On a page, what lies in `host/` stands for the modules of the same path in `src/`, which need Node.js. */
export function hostModules(): Plugin {
  return {
    name: 'nnz-host-modules',
    enforce: 'pre',
    async resolveId(id, importer, options) {
      if (importer?.startsWith(host)) return null
      const found = await this.resolve(id, importer, { ...options, skipSelf: true })
      if (!found?.id.startsWith(source)) return null
      const other = host + found.id.slice(source.length)
      return existsSync(other) ? other : null
    },
  }
}

/** The packages say that their modules have no side effects; their tests have nothing else. */
export function keptTests(): Plugin {
  return {
    name: 'nnz-kept-tests',
    transform: { filter: { id: /\.test\.ts$/ }, handler: () => ({ moduleSideEffects: true }) },
  }
}
