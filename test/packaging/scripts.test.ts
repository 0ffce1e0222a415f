import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { root } from '../support/packages.ts'

const folder = fileURLToPath(root)

/** Runs the check as if this Node had another version. */
function checkNode(version: string) {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, 'scripts/check-node.mjs']
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
}

describe('check-node', () => {
  it.each(['18.20.4', '20.20.2', '22.12.0', '24.14.9'])(
    'refuses Node %s in one sentence that says what to do',
    (old) => {
      const { status, stdout, stderr } = checkNode(old)
      expect(status).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^nnz: [^\n]+\.\n$/)
      expect(stderr).toContain(`found ${old}`)
      expect(stderr).toContain('https://nodejs.org')
    },
  )

  it.each(['24.15.0', '24.21.0', '26.0.0'])('accepts Node %s', (version) => {
    expect(checkNode(version)).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })
})

describe('npm scripts', () => {
  const manifests = globSync(['package.json', '{docs,kernels-wasm,benchmarks,test}/package.json', '*/*/package.json'], {
    cwd: folder,
    exclude: ['node_modules', '**/node_modules'],
  })

  it.each(manifests)('%s has none that npm runs by itself, and none that needs a POSIX shell', (path) => {
    const { scripts = {} }: { scripts?: Record<string, string> } = JSON.parse(readFileSync(new URL(path, root), 'utf8'))
    const names = Object.keys(scripts)
    expect(names.filter((name) => /^(pre|post)/.test(name) || ['install', 'prepare'].includes(name))).toEqual([])
    const shell = /[;'$`<>~]|(?<!&)&(?!&)|\|\||^\w+=|(^|&& )(rm|cp|mv|mkdir|cat|sh|bash|test|export|cd) /
    expect(names.filter((name) => shell.test(scripts[name]!))).toEqual([])
  })
})
