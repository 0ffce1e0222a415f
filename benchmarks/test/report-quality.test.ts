import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DECODER_POINTS, DISTILLED_POINTS, ENCODER_POINTS, encoderPointName, pointName } from '../src/evidence/index.ts'
import { withInterval } from '../src/report/format.ts'
import { figureOf, lessIsBetter, usualAxes, withoutIntervals } from '../src/report/metrics.ts'
import { patternOf, wayOf } from '../src/report/page/quality-series.ts'
import { rangeOf } from '../src/report/page/scales.ts'
import { paretoFront } from '../src/report/pareto.ts'
import { repeatCommand, repeatJudgement } from '../src/report/repeat.ts'

test('the front is what no other candidate beats', () => {
  const figure = fc.integer({ min: 0, max: 6 })
  fc.assert(
    fc.property(fc.array(fc.record({ x: figure, y: figure })), fc.boolean(), fc.boolean(), (all, lessX, lessY) => {
      const better = (a: number, b: number, less: boolean) => (less ? a < b : a > b)
      const beaten = (one: { x: number; y: number }) =>
        all.some(
          ({ x, y }) =>
            !better(one.x, x, lessX) &&
            !better(one.y, y, lessY) &&
            (better(x, one.x, lessX) || better(y, one.y, lessY)),
        )
      const front = paretoFront(all, { lessX, lessY })
      expect(new Set(front)).toEqual(new Set(all.filter((one) => !beaten(one))))
    }),
  )
})

describe('metrics', () => {
  test.each([
    'perplexity',
    'perplexity / dense',
    'ms per step',
    'MB of weights',
    'prune s',
    'loss',
    'relative output error',
    'peak bytes',
  ])('less %s is better', (name) => expect(lessIsBetter(name)).toBe(true))
  test.each([
    'Spearman x 100',
    'Spearman x 100 - dense',
    'cosine to dense',
    'accuracy',
    'tokens/s (decode, 1 thread)',
    'kept attention',
    'sentences/s (32 x 64 tokens, 1 thread)',
  ])('more %s is better', (name) => expect(lessIsBetter(name)).toBe(false))
  test('ends of intervals are no metrics, and stand behind the value', () => {
    const metrics = { accuracy: 0.9, 'accuracy low': 0.88, 'accuracy high': 0.91, 'highest low': 2 }
    expect(withoutIntervals(Object.keys(metrics))).toEqual(['accuracy', 'highest low'])
    expect(withInterval(figureOf(metrics, 'accuracy'), 2)).toBe('0.90 (0.88 to 0.91)')
    expect(withInterval(figureOf(metrics, 'highest low'))).toBe('2.000')
    expect(withInterval(figureOf(metrics, 'speed'))).toBe('–')
  })
  test('a score against a rate is shown first', () => {
    expect(usualAxes(['MB of weights', 'tokens/s', 'perplexity'])).toEqual({ x: 'tokens/s', y: 'perplexity' })
    expect(usualAxes(['error'])).toEqual({ x: null, y: 'error' })
  })
  test.each([
    ['sparsegpt unstructured, refined', 'unstructured', 'sparsegpt, refined'],
    ['sparsegpt 2:4 g=2 + distilled 9 steps', '2:4 g=2', 'sparsegpt + distilled 9 steps'],
    ['pooled and sinks', '', 'pooled and sinks'],
  ])('%s has a pattern and a way', (method, pattern, way) =>
    expect([patternOf(method), wayOf(method)]).toEqual([pattern, way]),
  )
})

describe('the command that repeats a judgement', () => {
  const data = 'sts.csv (SHA-256 ab): 9 pairs; pruned on 2 sentences of wiki.txt (SHA-256 cd)'
  const judged = (suite: string, method: string, sparsity: number) =>
    repeatJudgement({ suite }, { model: 'net', method, sparsity, data })!
  const found = (command: string, name: string) => name.includes(/--only "(.*?)"/.exec(command)![1]!)
  test('finds its point of the encoder', () => {
    for (const [suite, points] of [
      ['evidence-encoder', ENCODER_POINTS],
      ['evidence-encoder-distilled', DISTILLED_POINTS],
    ] as const)
      for (const point of points) {
        const command = judged(suite, encoderPointName(point), (point.sparsity ?? 0.5) + 0.0004)
        expect(found(command, `${encoderPointName(point)} ${point.sparsity ?? ''}`), command).toBe(true)
        expect(command).toMatch(/^npx @nnz\/bench evidence encoder --text wiki\.txt --pairs sts\.csv/)
        expect(command.includes('--distilled')).toBe(suite.endsWith('distilled'))
      }
  })
  test('finds its point of the decoder, with its steps', () => {
    for (const point of DECODER_POINTS) {
      const command = judged('evidence-decoder', pointName(point, 30), point.sparsity ?? 0.5)
      expect(found(command, `${pointName(point, 30)} ${point.sparsity ?? ''}`), command).toBe(true)
      expect(command.includes('--steps 30')).toBe(point.tuned === true)
    }
  })
  test('of others: N:M, attention, training, and none that is known', () => {
    expect(judged('evidence-nm', 'wanda 2:4', 0.5)).toBe('npx @nnz/bench evidence nm --text wiki.txt --pairs sts.csv')
    expect(judged('evidence-attention', 'pooled', 0.5)).toBe('npx @nnz/bench evidence attention --text wiki.txt')
    const mnist = { model: 'mlp', method: 'rigl', sparsity: 0.9, data: 'MNIST; 600 steps of 64, dense recipe' }
    expect(repeatJudgement({ suite: 'train-mnist' }, mnist)).toBe(
      'npm run train -- --dataset mnist --model mlp --method rigl --sparsity 0.9 --steps 600 --batch 64 --recipe dense',
    )
    expect(repeatJudgement({ suite: 'of-my-own' }, mnist)).toBeNull()
  })
  test('in a browser is the page that runs there', () => {
    expect(repeatCommand({ suite: 'quick', runtime: 'chrome' }, 'spmm', 'w')).toContain('npm run bench:browser')
    expect(repeatCommand({ suite: 'quick', runtime: 'node' }, 'spmm', 'w')).toContain('--workloads "w"')
  })
})

test('a logarithmic range begins with one digit, or the axis would never be counted to its end', () => {
  expect(rangeOf([0.3297, 53], 10, false)[0]).toBe(0.2)
  expect(rangeOf([84, 86], 0, false).map(Math.round)).toEqual([84, 86])
})
