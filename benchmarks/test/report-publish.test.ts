import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { publishReport } from '../src/report/index.ts'
import { SHAPES, writeJudgements, writeRun } from './report-fixture.ts'

let root = ''
let [from, to] = ['', '']
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nnz-publish-'))
  ;[from, to] = [join(root, 'results'), join(root, 'site')]
  await writeRun(from, { shapes: SHAPES.slice(0, 1), columns: [16], sparsities: [0.5, 0.9] })
  await writeJudgements(from)
  await writeFile(join(from, 'LICENSE'), 'as you like\n')
})
afterEach(() => rm(root, { recursive: true }))

test('a published folder holds everything that it links to, and only relative links', async () => {
  const { files } = await publishReport(from, to)
  const listed = (await readdir(to, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  expect(listed.length).toBe(files.length + 1)
  expect(files).toEqual(
    expect.arrayContaining(['.nojekyll', 'LICENSE', 'README.md', 'index.html', 'quality.csv', 'results.csv']),
  )
  let links = 0
  for (const name of files.filter((file) => /\.(?:md|html)$/.test(file))) {
    const text = await readFile(join(to, name), 'utf8')
    expect(text.includes(root)).toBe(false)
    if (name.endsWith('.md')) expect(/<[a-z!/]/i.test(text)).toBe(false)
    const paths = name.endsWith('.md')
      ? [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path!)
      : [...text.matchAll(/"path":"([^"]+)"|<a href="([^"]+)"/g)].map(([, path, href]) => path ?? href!)
    for (const path of paths) expect(existsSync(join(to, dirname(name), path)), `${name}: ${path}`).toBe(true)
    links += paths.length
  }
  expect(links).toBeGreaterThan(8)
})

test('publishing again replaces what was published, and leaves what was not', async () => {
  await publishReport(from, to)
  await writeFile(join(to, 'CNAME'), 'example.org\n')
  await rm(join(from, 'LICENSE'))
  await publishReport(from, to)
  expect([existsSync(join(to, 'LICENSE')), existsSync(join(to, 'CNAME'))]).toEqual([false, true])
})

test('a folder that holds something else is refused unless forced', async () => {
  await mkdir(to)
  await writeFile(join(to, 'index.html'), 'mine')
  await expect(publishReport(from, to)).rejects.toThrow(/is not empty and was not published before/)
  expect(await readdir(to)).toEqual(['index.html'])
  await publishReport(from, to, { force: true })
  expect((await readFile(join(to, 'index.html'), 'utf8')).startsWith('<!doctype html>')).toBe(true)
})

test.each(['results', '.', 'results/site'])('%s is not apart from the results', async (place) => {
  await expect(publishReport(from, join(root, place), { force: true })).rejects.toThrow(/apart from/)
})

test('a list of files that leads out of the folder is refused, and nothing is removed', async () => {
  await publishReport(from, to)
  await writeFile(join(root, 'precious'), '')
  await writeFile(join(to, '.nnz-published.json'), '{"schema":1,"files":["../precious"]}')
  await expect(publishReport(from, to)).rejects.toThrow(/is not inside the folder/)
  expect(existsSync(join(root, 'precious'))).toBe(true)
})

test('a record that gives away a name is not published', async () => {
  const identity = { hostName: 'a-host-of-mine', userName: 'imaginary', home: '/home/imaginary' }
  const machine = 'fixture-laptop'
  const path = join(from, machine, (await readdir(join(from, machine))).find((name) => name.endsWith('quick.json'))!)
  await writeFile(
    path,
    (await readFile(path, 'utf8')).replace('"governor":"performance"', '"governor":"a-host-of-mine"'),
  )
  await expect(publishReport(from, to, { identity })).rejects.toThrow(/host name/)
  expect(existsSync(to)).toBe(false)
})
