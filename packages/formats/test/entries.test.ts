import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Every module that a module imports, itself included. */
function reachable(url: URL, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(url.href)) return seen
  const imports = [...readFileSync(url, 'utf8').matchAll(/^(?:import|export)[^;]*? from '([^']+)'/gm)].map(
    ([, name]) => name,
  )
  seen.set(url.href, imports)
  for (const name of imports) if (name.startsWith('.')) reachable(new URL(name, url), seen)
  return seen
}

const outside = (entry: string) =>
  [...reachable(new URL(`../src/${entry}`, import.meta.url)).values()].flat().filter((name) => !name.startsWith('.'))

test('the main entry needs nothing of Node.js, the other one does', () => {
  expect(new Set(outside('index.ts'))).toEqual(
    new Set(['@nnz/core', '@nnz/core/storage', '@bufbuild/protobuf/wire', 'fflate']),
  )
  expect(outside('node.ts')).toContain('node:fs/promises')
})
