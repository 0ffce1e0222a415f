import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { writeSafetensors } from '@nnz/core/storage'
import { describe, expect, it } from 'vitest'
import { parsePattern } from '../src/cli/pattern.ts'
import { patternName } from '../src/index.ts'
import { emptyFolder, floats, smallModel } from './support/files.ts'

const program = fileURLToPath(new URL('../bin/nnz-prune.js', import.meta.url))

/** Runs the built program; `code` is its exit status. */
async function nnzPrune(cwd: string, ...args: string[]) {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], { cwd })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

function withModel(bytes = smallModel()): string {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'model.safetensors'), bytes)
  return folder
}

describe('nnz-prune', () => {
  it('prunes a file, tells of each matrix, and writes a report beside it', async () => {
    const folder = withModel()
    const { code, stdout, stderr } = await nnzPrune(
      folder,
      'model.safetensors',
      '--sparsity',
      '0.75',
      '--exclude',
      '*double*',
    )
    expect(stderr.split('\n').slice(0, -1).sort()).toEqual([
      expect.stringMatching(/^1\/3 \S+ 75\.0 %$/),
      expect.stringMatching(/^2\/3 /),
      expect.stringMatching(/^3\/3 /),
    ])
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'model.pruned.safetensors: 3 matrices, 80 of 320 weights kept, 75.0 % are zeros\n',
    })
    const report = JSON.parse(readFileSync(join(folder, 'model.pruned.json'), 'utf8'))
    expect(report).toMatchObject({ schema: 1, method: 'magnitude', total: { nnz: 80 } })
    expect(JSON.stringify(report)).not.toContain(folder)
    expect((await nnzPrune(folder, 'model.pruned.safetensors', '-p', '2:4', '-o', 'again.safetensors')).code).toBe(0)
  })

  it('shows with --dry-run what it would do, and writes nothing', async () => {
    const folder = withModel()
    const { code, stdout } = await nnzPrune(folder, 'model.safetensors', '-s', '0.5', '-a', 'erk', '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^layer\.\d\.\w+\.weight \w+ \[\d+, \d+\] keeps \d+$/m)
    expect(stdout).toMatch(/4 of 8 tensors would be pruned; model\.pruned\.safetensors would be written\n$/)
    expect(readdirSync(folder)).toEqual(['model.safetensors'])
  })

  it('goes on after it was killed', async () => {
    const tensors = Array.from({ length: 40 }, (_, i) => floats(`layer.${i}.weight`, [128, 128], i))
    const folder = withModel(writeSafetensors(tensors))
    const args = [program, 'model.safetensors', '-s', '0.5', '-o', 'out.safetensors']
    const killed = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    await once(killed.stderr, 'data')
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    // A fast machine may have come to the end by then.
    const early = readdirSync(folder).includes('out.safetensors')
    const { code, stderr } = await nnzPrune(folder, ...args.slice(1), ...(early ? ['--force'] : []))
    expect(code).toBe(0)
    if (!early) expect(stderr).toMatch(/^\d+ of 40 were finished by an earlier run\n/)
    await nnzPrune(folder, 'model.safetensors', '-s', '0.5', '-o', 'whole.safetensors')
    expect(readFileSync(join(folder, 'out.safetensors'))).toEqual(readFileSync(join(folder, 'whole.safetensors')))
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([])
  })

  it.each([
    [['none.safetensors', '-s', '0.5'], /^nnz-prune: none\.safetensors: there is no such file\n$/],
    [['.', '-s', '0.5'], /^nnz-prune: \.: is a folder, expected a file\n$/],
    [
      ['model.safetensors', '-s', '0.5', '-m', 'wanda', '--text', 'none.txt'],
      /^nnz-prune: none\.txt: there is no such file\n$/,
    ],
    [['model.safetensors'], /^nnz-prune: expected --sparsity <share>\n$/],
    [['model.safetensors', '-s', '2'], /expected a share from 0 to 1, got 2/],
    [['model.safetensors', '-p', '5:4'], /n to be a whole number in 1\.\.4, got 5/],
    [['model.safetensors', '-p', 'squares'], /expected a pattern such as .* got "squares"/],
    [
      ['model.safetensors', '-s', '0.5', '-m', 'wanda'],
      /^nnz-prune: wanda needs text to calibrate with: --text <file>\n$/,
    ],
    [['model.safetensors', '-s', '0.5', '-o', 'model.safetensors'], /would be written over the input/],
  ])('tells the mistake in %j in one line', async (args, message) => {
    const folder = withModel()
    const { code, stdout, stderr } = await nnzPrune(folder, ...args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n').length).toBe(1)
    expect(readdirSync(folder)).toEqual(['model.safetensors'])
  })
})

describe('patterns on the command line', () => {
  it.each([
    ['unstructured', 'unstructured'],
    ['2:4', '2:4'],
    ['2:4g8', '2:4 g=8'],
    ['2:4 g=8', '2:4 g=8'],
    ['block 4x8', 'block 4x8'],
    ['block:4x8', 'block 4x8'],
    ['column 8', 'column-vector 8'],
    ['column-vector 8', 'column-vector 8'],
  ])('%s is %s', (text, name) => {
    expect(patternName(parsePattern(text))).toBe(name)
  })
})
