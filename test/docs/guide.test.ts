import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { writeSmallEncoder } from './small-encoder.ts'

/** A fence of the guide: a program that is named in its first line, or commands. */
interface Step {
  readonly language: string
  readonly text: string
}

const guide = await readFile(new URL('docs/guide.md', root), 'utf8')
const steps: Step[] = [...guide.matchAll(/^```(ts|sh)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text,
}))
const commands = steps
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => text.trim().split('\n'))
  // The workspace has them installed.
  .filter((command) => !command.startsWith('npm install'))

// Inside the workspace, so that imports find the packages.
const folder = new URL('../.cache/guide/', import.meta.url)
const cwd = fileURLToPath(folder)

describe('the guide', () => {
  const programs = new Map<string, string>()

  beforeAll(async () => {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await writeSmallEncoder(cwd)
    for (const { language, text } of steps) {
      const name = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1]
      if (language !== 'ts') continue
      if (name === undefined) throw new Error(`a program of the guide has no name:\n${text}`)
      programs.set(name, text)
      await writeFile(new URL(name, folder), text)
    }
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('runs every program that it shows', () => {
    expect(commands.filter((command) => command.startsWith('node ')).map((command) => command.slice(5))).toEqual([
      ...programs.keys(),
    ])
  })

  it('compiles', async () => {
    const compilerOptions = { noEmit: true, types: ['node'] }
    const config = { extends: '../../../tsconfig.base.json', compilerOptions, include: ['*.ts'] }
    await writeFile(new URL('tsconfig.json', folder), JSON.stringify(config))
    await run('tsc', ['-p', cwd], cwd)
  })

  // In the order of the guide: what one writes, the next one reads.
  it.each(commands)(
    '%s',
    async (line) => {
      const [command, ...args] = line.replace(/^npx /, '').split(/\s+/)
      const { stdout } = await run(command, args, cwd)
      const prints = [...(programs.get(args[0])?.matchAll(/\/\/ prints: (.*)/g) ?? [])].map(([, text]) => text)
      for (const text of prints) expect(stdout.split('\n')).toContain(text)
      expect(stdout).not.toMatch(/NaN|undefined/)
    },
    60_000,
  )
})
