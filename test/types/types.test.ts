import { mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, it } from 'vitest'
import { root } from '../support/packages.ts'
import { noOlder, oldestTypeScript, run } from '../support/run.ts'

const cache = new URL('.cache/types/', new URL('../', import.meta.url))
const newest = fileURLToPath(new URL('node_modules/typescript/bin/tsc', root))
const compilers: [string, string | undefined][] = [
  ['TypeScript 7', newest],
  [`TypeScript 5.9${oldestTypeScript === undefined ? `: ${noOlder}` : ''}`, oldestTypeScript],
]
const resolutions = [
  { module: 'NodeNext', moduleResolution: 'NodeNext' },
  { module: 'ESNext', moduleResolution: 'Bundler' },
]

afterAll(() => rm(cache, { recursive: true, force: true }))

describe.each(compilers)('the public API under %s', (name, compiler) => {
  it.skipIf(compiler === undefined).each(resolutions)(
    'compiles with module resolution $moduleResolution, declarations checked',
    async (options) => {
      const config = new URL(`${options.module}-${name.slice(11, 14)}.json`, cache)
      await mkdir(cache, { recursive: true })
      await writeFile(
        config,
        JSON.stringify({
          // The default `lib` of the target: what most programs have.
          compilerOptions: { ...options, target: 'ES2022', strict: true, noEmit: true, skipLibCheck: false, types: [] },
          files: ['../../types/api.ts'],
        }),
      )
      await run('node', [compiler!, '-p', fileURLToPath(config)], fileURLToPath(root))
    },
  )
})
