import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BenchRecord, type Run, writeQuality } from '../src/records/index.ts'
import { paysAfter } from '../src/report/aggregate.ts'
import {
  renderComparison,
  renderReport,
  renderSummary,
  renderTerminal,
  replaceSummary,
  rowsOf,
  SUMMARY_END,
  SUMMARY_START,
  sectionsOf,
} from '../src/report/index.ts'
import { renderRows } from '../src/report/row-table.ts'
import { compareRuns } from '../src/statistics/index.ts'
import { makeEnvironment, makeQuality, makeRecords, SHAPES, writeJudgements, writeRun } from './report-fixture.ts'

const small = { shapes: SHAPES.slice(0, 2), columns: [1, 16], sparsities: [0, 0.5, 0.9] }

function run(records: BenchRecord[], options: Parameters<typeof makeEnvironment>[0] & { path?: string } = {}): Run {
  const environment = makeEnvironment(options)
  return {
    path: options.path ?? `${environment.machine}/${environment.date}.json`,
    environment,
    records,
    partial: false,
    unofficial: null,
  }
}

/** One workload with a dense and a sparse contender of chosen times. */
function pair(times: { sparse: number; dense: number; sparsity?: number; id?: string }): BenchRecord[] {
  const { sparse, dense, sparsity = 0.9, id = 'w' } = times
  const base = makeRecords({ shapes: SHAPES.slice(0, 1), columns: [16], sparsities: [sparsity] })
  const samples = (ns: number) => [[ns * 0.999, ns, ns * 1.001, ns, ns]]
  const of = (name: string, ns: number): BenchRecord => {
    const record = base.find(({ contender }) => contender.name === name)!
    return { ...record, id: `${id}|${name}`, workload: { ...record.workload, id }, samples: samples(ns) }
  }
  return [of('spmm_csr_f32__wasm_relaxed', sparse), of('gemm_dense_f32__wasm_relaxed', dense)]
}

describe('rows', () => {
  test('rates, share of the limit and speed-up are what their names say', () => {
    const [row] = rowsOf({ runs: [run(pair({ sparse: 1000, dense: 4000 }))] })
    const { flops, denseFlops, limit } = row!.record
    expect(row?.gflops).toBeCloseTo(flops / 1000, 9)
    expect(row?.denseGflops).toBeCloseTo(denseFlops / 1000, 9)
    expect(row?.limitShare).toBeCloseTo(limit!.ns / 1000, 9)
    expect(row?.best).toEqual({ over: 'gemm_dense_f32__wasm_relaxed', ratio: 4, verdict: 'faster' })
    expect(row?.speedUps.get('nnz-wasm')?.ratio).toBe(4)
  })

  test('the fastest dense contender of each class counts; another dtype has a name of its own', () => {
    const rows = rowsOf({ runs: [run(makeRecords({ shapes: SHAPES.slice(0, 1), columns: [128], sparsities: [0.9] }))] })
    const row = rows.find(({ label }) => label === 'spmm_csr_f32__wasm_relaxed')!
    expect([...row.speedUps.keys()].sort()).toEqual(['native', 'nnz-js', 'nnz-wasm', 'wasm', 'wasm q8'])
    expect(row.speedUps.get('wasm')?.over).toBe('onnxruntime-web')
    expect(row.best?.over).toBe('gemm_dense_f32__wasm_relaxed')
  })

  test('intervals that overlap are no difference', () => {
    const noisy = [[900, 1000, 1100, 1200, 800]]
    const records = pair({ sparse: 1000, dense: 1020 }).map((record) => ({
      ...record,
      samples: noisy.map((p) => p.map((ns) => (ns / 1000) * record.samples[0]![1]!)),
    }))
    expect(rowsOf({ runs: [run(records)] })[0]?.best?.verdict).toBe('no difference')
  })

  test('a ratio is never taken between two runs', () => {
    const [sparse, dense] = pair({ sparse: 1000, dense: 4000 })
    const rows = rowsOf({
      runs: [run([dense!], { date: '2026-11-20T10:00:00.000Z' }), run([sparse!], { date: '2026-11-21T10:00:00.000Z' })],
    })
    expect(rows.find(({ record }) => record === sparse)?.best).toBeNull()
  })

  test('nor between numbers of threads, or between hot and cold', () => {
    const [sparse, dense] = pair({ sparse: 1000, dense: 4000 })
    const threaded = { ...sparse!, contender: { ...sparse!.contender, threads: 2 } }
    const cold = { ...sparse!, id: 'cold', cache: 'cold' as const }
    for (const row of rowsOf({ runs: [run([threaded, cold, dense!])] }).slice(0, 2))
      expect(row.speedUps.size).toBe(row.record === dense ? 1 : 0)
  })

  test('of several runs of a machine the newest record counts, and another machine keeps its own', () => {
    const runs = [
      run(pair({ sparse: 1000, dense: 4000 }), { date: '2026-11-20T10:00:00.000Z' }),
      run(pair({ sparse: 2000, dense: 4000 }), { date: '2026-11-21T10:00:00.000Z' }),
      run(pair({ sparse: 500, dense: 4000 }), { machine: 'other' }),
    ]
    const medians = rowsOf({ runs }).map(({ run, timing }) => [run.environment.machine, timing?.median])
    expect(medians).toEqual([
      ['fixture-laptop', 2000],
      ['fixture-laptop', 4000],
      ['other', 500],
      ['other', 4000],
    ])
  })
})

describe('sections', () => {
  const lines = (...pairs: Parameters<typeof pair>[0][]) => sectionsOf(rowsOf({ runs: [run(pairs.flatMap(pair))] }))[0]!

  test('the mean is geometric and the worst row stands beside it', () => {
    const section = lines({ sparse: 1000, dense: 8000, id: 'a' }, { sparse: 1000, dense: 500, id: 'b' })
    const { best, passed } = section.contenders[0]!
    expect(best?.mean).toBeCloseTo(2, 9)
    expect(best).toMatchObject({ worstRatio: 0.5, faster: 1, same: 0, slower: 1 })
    expect(best?.worst.record.workload.id).toBe('b')
    expect(passed).toBe(2)
  })

  test('the crossover is read from the sparsities of one width', () => {
    const section = lines(
      { sparse: 1000, dense: 500, sparsity: 0.5, id: 'a' },
      { sparse: 1000, dense: 2000, sparsity: 0.7, id: 'b' },
    )
    expect(section.crossovers).toHaveLength(1)
    expect(section.crossovers[0]).toMatchObject({ n: 16, layers: 1, mean: { relation: 'at' } })
    expect(section.crossovers[0]?.mean.sparsity).toBeCloseTo(0.6, 9)
  })

  test('planning pays for itself after what it costs over what a run saves, or never', () => {
    const [row] = rowsOf({
      runs: [run(pair({ sparse: 1000, dense: 4000 }).map((record) => ({ ...record, planning: 6000 })))],
    })
    expect(paysAfter(row!)).toBeCloseTo(2, 9)
    const [loser] = rowsOf({ runs: [run(pair({ sparse: 4000, dense: 1000 }))] })
    expect(paysAfter(loser!)).toBeNull()
  })

  test('failures are counted by contender and reason', () => {
    const [section] = sectionsOf(rowsOf({ runs: [run(makeRecords(small))] }))
    expect(section?.failures).toEqual([
      { label: 'tfjs-wasm', status: 'unsupported', reason: 'needs at least two columns', count: 6 },
    ])
    expect(section?.contenders.find(({ label }) => label === 'tfjs-wasm')).toMatchObject({ passed: 6, total: 12 })
  })
})

describe('rendering', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nnz-report-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  const text = (name: string) => readFile(join(folder, name), 'utf8')

  test('writes every file, and the same bytes again', async () => {
    await writeRun(folder, small)
    await writeRun(folder, { ...small, machine: 'second', processes: 5 })
    const { files, rows, leftOut } = await renderReport(folder)
    expect(files.map((file) => file.slice(folder.length + 1))).toEqual([
      'README.md',
      'index.html',
      'results.csv',
      'quality.csv',
      'fixture-laptop/spmm.md',
      'second/spmm.md',
    ])
    expect([rows.length, leftOut]).toEqual([2 * makeRecords(small).length, []])
    const before = await Promise.all(files.map((file) => readFile(file)))
    await renderReport(folder)
    expect(await Promise.all(files.map((file) => readFile(file)))).toEqual(before)
  })

  test('losses, failures, worst rows and how few processes there were are in the tables', async () => {
    await writeRun(folder, small)
    await renderReport(folder)
    const readme = await text('README.md')
    expect(readme).toMatch(/\*\*Where dense wins\*\*\n\n- spmm_csr_f32__wasm_relaxed: slower on \d+ of 12 workloads/)
    expect(readme).toContain('`tfjs-wasm`, 6 workloads, unsupported: needs at least two columns')
    expect(readme).toContain('One process per contender')
    expect(await text('fixture-laptop/spmm.md')).toContain('unsupported: needs at least two columns')
  })

  test('a browser on the same machine is a place of its own', async () => {
    await writeRun(folder, small)
    const environment = { ...makeEnvironment(), suite: 'page', runtime: { name: 'chrome', version: '140', v8: null } }
    await writeFile(
      join(folder, environment.machine, 'page.json'),
      JSON.stringify({ schema: 1, environment, records: makeRecords(small) }),
    )
    const { rows, files } = await renderReport(folder)
    expect(rows).toHaveLength(2 * makeRecords(small).length)
    expect(files).toContain(join(folder, 'fixture-laptop/spmm-chrome.md'))
    expect(await text('README.md')).toContain('## spmm on fixture-laptop, chrome')
  })

  test('a network that was judged and timed has a line in the summary', async () => {
    await writeJudgements(folder)
    const readme = join(folder, 'root.md')
    await writeFile(readme, `${SUMMARY_START}${SUMMARY_END}`)
    await renderReport(folder, { readme })
    expect(await readFile(readme, 'utf8')).toContain(
      '**fixture-encoder** on fixture-laptop: Spearman x 100 against sentences/s (32 x 64 tokens, 1 thread), judged on pairs.csv (SHA-256 0123456789ab): 90 pairs: dense 86.00 (85.00 to 87.50) at 100; 50 % (sparsegpt unstructured) 85.50 (84.50 to 87.00) at 160; 70 % (sparsegpt unstructured) 82.00 (81.00 to 83.50) at 300.',
    )
  })

  test('unofficial, unfinished and corrupt files are named', async () => {
    const environment = makeEnvironment()
    const dirty = { ...environment, source: { ...environment.source, dirty: true } }
    await mkdir(join(folder, environment.machine))
    await writeFile(
      join(folder, environment.machine, 'a.partial.jsonl'),
      `${[{ schema: 1, environment: dirty }, ...makeRecords(small)].map((line) => JSON.stringify(line)).join('\n')}\n`,
    )
    await writeFile(join(folder, environment.machine, 'b.json'), 'torn')
    const { leftOut } = await renderReport(folder)
    expect(leftOut.map(({ path }) => path)).toEqual(['fixture-laptop/b'])
    const readme = await text('README.md')
    expect(readme).toContain('**unofficial**: the working tree differed from the commit, not finished')
    expect(readme).toMatch(/`fixture-laptop\/b`: fixture-laptop\/b\.json: not JSON/)
  })

  test('what networks still do stands in tables and on the page, means over layers there; a damaged file is named', async () => {
    const path = await writeJudgements(folder)
    await renderReport(folder)
    const readme = await readFile(join(folder, 'README.md'), 'utf8')
    expect(readme).toContain('## Quality: fixture-net (nm-gemm, judged on fixture-laptop)')
    expect(readme).toContain('| wanda | 90 % | 0.2790 | – |')
    const page = await readFile(join(folder, 'index.html'), 'utf8')
    const { sections } = JSON.parse(/id="quality">(.*?)<\/script>/s.exec(page)![1]!)
    // What states a speed stands first.
    expect(sections.map(({ model }: { model: string }) => model)).toEqual(['fixture-encoder', 'fixture-net'])
    const [, section] = sections
    expect(section.metrics).toEqual(['relative error', 'perplexity'])
    expect(section.lines[1]).toMatchObject({
      label: 'wanda',
      points: [{ sparsity: 0 }, { sparsity: 0.5 }, { sparsity: 0.9 }],
    })
    expect(section.lines[1].points[2].figures[0].value).toBeCloseTo(0.9 * 0.31, 12)
    expect(section.lines[1].points[2].figures[1]).toBeNull()
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('"sparsity":0.9', '"sparsity":1.9'))
    const { leftOut } = await renderReport(folder)
    expect(leftOut).toEqual([
      { path: expect.stringContaining('.quality.json'), reason: expect.stringContaining('sparsity') },
    ])
  })

  test('judgements that give away a name, or do not fit, are not written', async () => {
    const [record] = makeQuality()
    const identity = { hostName: 'a-host-of-mine', userName: 'someone-here', home: '/home/someone-here' }
    const write = (changed: object) => writeQuality(folder, makeEnvironment(), [{ ...record!, ...changed }], identity)
    await expect(write({ data: 'sentences of someone-here' })).rejects.toThrow('holds the user name')
    await expect(write({ sparsity: -1 })).rejects.toThrow('sparsity')
    await expect(write({})).resolves.toContain('.quality.json')
  })

  test('what a record holds cannot become markup', async () => {
    const records = makeRecords(small).map((record) => ({
      ...record,
      contender: { ...record.contender, name: `</script><script>alert(1)</script>|${record.contender.name}` },
    }))
    await mkdir(join(folder, 'fixture-laptop'))
    await writeFile(
      join(folder, 'fixture-laptop', 'a.json'),
      JSON.stringify({ schema: 1, environment: makeEnvironment(), records }),
    )
    const { files } = await renderReport(folder)
    for (const file of files.filter((file) => !file.endsWith('.csv')))
      expect((await readFile(file, 'utf8')).includes('<script>alert')).toBe(false)
  })

  test('the page is one file without a network address, small, and carries its licences', async () => {
    await writeRun(folder, small)
    await renderReport(folder)
    const html = await text('index.html')
    const [, data = ''] = html.match(/<script type="application\/json" id="data">(.*?)<\/script>/s) ?? []
    expect(JSON.parse(data).columns.run).toHaveLength(makeRecords(small).length)
    expect(html.length - data.length).toBeLessThan(300_000)
    // As booleans: a failure should not print the page.
    expect(/(?:src|href)="?https?:/.test(html)).toBe(false)
    expect(/uplot [\d.]+\s+The MIT License/.test(html)).toBe(true)
  })

  test('a cell of the CSV cannot be a formula, and numbers stay numbers', async () => {
    const records = makeRecords(small).map((record) => ({ ...record, workload: { ...record.workload, model: '=1+1' } }))
    await mkdir(join(folder, 'fixture-laptop'))
    await writeFile(
      join(folder, 'fixture-laptop', 'a.json'),
      JSON.stringify({ schema: 1, environment: makeEnvironment(), records }),
    )
    await renderReport(folder)
    const [head, first] = (await text('results.csv')).split('\n')
    expect(head).toMatch(/^machine,runtime,file,commit,official,operation,workload,/)
    expect(first).toContain(`,'=1+1,`)
    expect(first?.split(',')[head!.split(',').indexOf('n')]).toBe('1')
  })

  test('an empty folder renders to files that say so', async () => {
    await renderReport(folder)
    expect(await text('README.md')).toContain('There are no records yet')
  })

  test('the summary goes between the markers and touches nothing else', async () => {
    await writeRun(folder, small)
    const readme = join(folder, 'root.md')
    await writeFile(readme, `before\n${SUMMARY_START}\nold\n${SUMMARY_END}\nafter\n`)
    await renderReport(folder, { readme })
    const document = await readFile(readme, 'utf8')
    expect(document).toMatch(/^before\n<!-- nnz-bench:summary -->\n\*\*fixture-laptop\*\*/)
    expect(document).toMatch(/<!-- \/nnz-bench:summary -->\nafter\n$/)
    expect(document).toContain('Slower than dense:')
    expect(document).not.toContain('old')
  })

  test.each(['', SUMMARY_START, `${SUMMARY_END}${SUMMARY_START}`, `${SUMMARY_START}${SUMMARY_START}${SUMMARY_END}`])(
    'markers that are not there once each in order: %s',
    (document) => {
      expect(() => replaceSummary(document, 'x')).toThrow(RangeError)
    },
  )

  test('no results make a summary that says so', () => expect(renderSummary([])).toBe('There are no results yet.'))
})

test('a table that GitHub would not show is cut to losses and failures, and says so', () => {
  const many = Array.from({ length: 100 }, (_, i) => ({ ...SHAPES[0]!, layer: `layer.${i}` }))
  const text = renderRows(
    sectionsOf(rowsOf({ runs: [run(makeRecords({ shapes: many, columns: [1], sparsities: [0, 0.9] }))] }))[0]!,
  )
  expect(text).toContain('Of 2200 rows only the losses')
  expect(text).toContain('layer.99/n1/uniform/0.00')
  expect(text).not.toMatch(/n1\/uniform\/0\.90 .*spmm_csr/)
})

test('a comparison lists what differs and counts the rest', () => {
  const [sparse, dense] = pair({ sparse: 1000, dense: 4000 })
  const slower = { ...sparse!, samples: [[2000, 2001, 1999]] }
  const text = renderComparison(compareRuns({ records: [sparse!, dense!] }, { records: [slower, dense!] }), 80)
  expect(text.replaceAll('\n', ' ')).toContain('0 faster, 1 slower, 1 no difference, 0 not comparable')
  expect(text).toMatch(/w\|spmm_csr_f32__wasm_relaxed +slower +2\.00 +/)
  expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80)
})

describe('terminal', () => {
  const sections = sectionsOf(rowsOf({ runs: [run(makeRecords(small))] }))
  test.each([40, 60, 80, 120, 200])('no line is wider than %i', (width) => {
    const lines = renderTerminal(sections, width).split('\n')
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width)
  })
  test('wide terminals get every column, narrow ones keep name and time', () => {
    expect(renderTerminal(sections, 200)).toMatch(
      /contender +ms +GFLOP\/s +dense-eq\. +limit +over dense +worst .*error +passed/,
    )
    expect(renderTerminal(sections, 40)).toMatch(/contender +ms\n/)
  })
})
