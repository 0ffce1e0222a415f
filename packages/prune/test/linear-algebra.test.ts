import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Random } from '@nnz/backprop/kit'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  cholesky,
  inverse,
  inverseFactor,
  loadLinearAlgebra,
  svd,
  symmetricEigen,
} from '../src/linear-algebra/index.ts'

const SIZES = [0, 1, 2, 7, 64, 65, 100, 150]

function normals(count: number, seed: number): Float64Array {
  const random = new Random(seed)
  return Float64Array.from({ length: count }, () => random.normal())
}

function product(a: Float64Array, b: Float64Array, rows: number, inner: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < inner; k++)
      for (let j = 0; j < columns; j++) result[i * columns + j] += a[i * inner + k] * b[k * columns + j]
  return result
}

function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  return a.map((_, i) => a[(i % rows) * columns + Math.floor(i / rows)])
}

function identity(n: number): Float64Array {
  return new Float64Array(n * n).map((_, i) => (i % (n + 1) === 0 ? 1 : 0))
}

function largest(a: Float64Array): number {
  return a.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
}

/** The largest difference, as a share of the largest element expected. */
function difference(a: Float64Array, expected: Float64Array): number {
  expect(a.length).toBe(expected.length)
  return largest(a.map((x, i) => x - expected[i])) / (largest(expected) || 1)
}

function positiveDefinite(n: number, seed: number): Float64Array {
  const x = normals(n * n, seed)
  return product(transpose(x, n, n), x, n, n, n).map((value, i) => value + (i % (n + 1) === 0 ? n / 10 : 0))
}

/** Hilbert's matrix: its condition is about e^(3.5 n). */
function hilbert(n: number): Float64Array {
  return new Float64Array(n * n).map((_, i) => 1 / (Math.floor(i / n) + (i % n) + 1))
}

describe.each(SIZES)('a positive definite matrix of %i rows', (n) => {
  const a = positiveDefinite(n, n + 1)

  it('is L times its transpose', () => {
    const l = cholesky(a, n)!
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(l[i * n + j]).toBe(0)
    expect(difference(product(l, transpose(l, n, n), n, n, n), a)).toBeLessThan(1e-14 * (n + 1))
  })

  it('times its inverse is the identity, and the inverse is symmetric to the bit', () => {
    const inverted = inverse(a, n)!
    expect(inverted).toEqual(transpose(inverted, n, n))
    expect(difference(product(a, inverted, n, n, n), identity(n))).toBeLessThan(1e-11)
  })

  it('has an inverse whose upper factor is inverseFactor', () => {
    const u = inverseFactor(a, n)!
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(u[i * n + j]).toBe(0)
    expect(difference(product(transpose(u, n, n), u, n, n, n), inverse(a, n)!)).toBeLessThan(1e-12)
  })

  it('has orthonormal eigenvectors and rising eigenvalues', () => {
    const { values, vectors } = symmetricEigen(a, n)
    expect(values).toEqual(values.slice().sort())
    const back = transpose(vectors, n, n)
    expect(difference(product(back, vectors, n, n, n), identity(n))).toBeLessThan(1e-12)
    const scaled = back.map((x, i) => x * values[Math.floor(i / n)])
    expect(difference(product(vectors, scaled, n, n, n), a)).toBeLessThan(1e-12)
  })

  it('is left as it was', () => {
    const before = a.slice()
    cholesky(a, n)
    inverse(a, n)
    inverseFactor(a, n)
    symmetricEigen(a, n)
    svd(a, n, n)
    expect(a).toEqual(before)
  })
})

describe('svd', () => {
  const shapes = SIZES.flatMap((n) => [
    [n, n],
    [n, 3 * n + 1],
    [2 * n + 1, n],
  ])

  it.each(shapes)('[%i, %i] is U·S·Vᵀ', (rows, columns) => {
    expectSvd(normals(rows * columns, rows + 7 * columns), rows, columns)
  })

  it.each([
    ['zeros', new Float64Array(20 * 30)],
    ['ones', new Float64Array(20 * 30).fill(1)],
    ['a single element', new Float64Array(20 * 30).map((_, i) => (i === 217 ? 3 : 0))],
    [
      'rows that stand twice',
      new Float64Array(20 * 30).map((_, i) => Math.sin((Math.floor(i / 60) + 1) * ((i % 30) + 1))),
    ],
    ['Hilbert', hilbert(25).slice(0, 20 * 25)],
    ['tiny elements', normals(600, 5).map((x) => x * 1e-150)],
    ['huge elements', normals(600, 5).map((x) => x * 1e150)],
  ])('of %s', (_, a) => {
    expectSvd(a, 20, a.length / 20)
  })

  it('accepts f32', () => {
    const { s } = svd(Float32Array.of(3, 0, 0, 4), 2, 2)
    expect(difference(s, Float64Array.of(4, 3))).toBeLessThan(1e-15)
  })

  function expectSvd(a: Float64Array, rows: number, columns: number): void {
    const { u, s, vt } = svd(a, rows, columns)
    const k = Math.min(rows, columns)
    expect(s).toEqual(s.slice().sort().reverse())
    expect(s.every((value) => value >= 0)).toBe(true)
    expect(difference(product(transpose(u, rows, k), u, k, rows, k), identity(k))).toBeLessThan(1e-12)
    expect(difference(product(vt, transpose(vt, k, columns), k, columns, k), identity(k))).toBeLessThan(1e-12)
    const scaled = vt.map((x, i) => x * s[Math.floor(i / columns)])
    expect(difference(product(u, scaled, rows, k, columns), a)).toBeLessThan(1e-12)
  }
})

describe('matrices at the edge', () => {
  it('a Hilbert matrix of 10 rows still has a factor and an inverse, of 25 not', () => {
    const a = hilbert(10)
    const l = cholesky(a, 10)!
    expect(difference(product(l, transpose(l, 10, 10), 10, 10, 10), a)).toBeLessThan(1e-15)
    // The condition is 1.6e13: of 16 digits three remain.
    expect(difference(product(a, inverse(a, 10)!, 10, 10, 10), identity(10))).toBeLessThan(1e-2)
    expect(cholesky(hilbert(25), 25)).toBeUndefined()
  })

  it.each([
    ['a negative diagonal', Float64Array.of(1, 0, 0, -1)],
    ['zeros', new Float64Array(4)],
    ['a negative eigenvalue', Float64Array.of(1, 2, 2, 1)],
    ['rank one', Float64Array.of(4, 2, 2, 1)],
  ])('%s is not positive definite', (_, a) => {
    expect(cholesky(a, 2)).toBeUndefined()
    expect(inverse(a, 2)).toBeUndefined()
    expect(inverseFactor(a, 2)).toBeUndefined()
    // The module is as usable afterwards.
    expect(cholesky(Float64Array.of(4), 1)).toEqual(Float64Array.of(2))
  })

  it('eigenvalues of what is not definite', () => {
    expect(difference(symmetricEigen(Float64Array.of(1, 2, 2, 1), 2).values, Float64Array.of(-1, 3))).toBeLessThan(
      1e-15,
    )
    expect(symmetricEigen(new Float64Array(9), 3).values).toEqual(new Float64Array(3))
  })
})

describe('arguments', () => {
  it.each([
    ['a plain array', () => cholesky([1] as unknown as Float64Array, 1), TypeError],
    ['undefined', () => svd(undefined as unknown as Float64Array, 1, 1), TypeError],
    ['a length that does not fit', () => inverse(new Float64Array(3), 2), RangeError],
    ['half a row', () => svd(new Float64Array(3), 1.5, 2), RangeError],
    ['a negative size', () => inverseFactor(new Float64Array(1), -1), RangeError],
    ['NaN', () => symmetricEigen(Float64Array.of(Number.NaN), 1), RangeError],
    ['infinity', () => svd(Float64Array.of(Number.POSITIVE_INFINITY), 1, 1), RangeError],
    ['asymmetry', () => cholesky(Float64Array.of(2, 1, 0, 2), 2), RangeError],
    ['no module', () => loadLinearAlgebra({} as WebAssembly.Module), TypeError],
  ])('%s is refused', (_, call, error) => {
    expect(call).toThrow(error)
  })
})

describe('the artifact', () => {
  const folder = new URL('../../../kernels-wasm/rust/artifact/', import.meta.url)

  it('has the checksum that was committed with it', () => {
    const [sum, file] = readFileSync(new URL('SHA256SUMS', folder), 'utf8').trim().split('  ')
    expect(
      createHash('sha256')
        .update(readFileSync(new URL(file, folder)))
        .digest('hex'),
    ).toBe(sum)
  })

  it('imports nothing, and says no path of a machine', () => {
    const bytes = readFileSync(new URL('linear-algebra.wasm', folder))
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([])
    expect(bytes.toString('latin1')).not.toMatch(/\/home\/|\/root\/|\/Users\/|\.cargo/)
  })
})

describe('where compiling is forbidden', () => {
  beforeAll(() => {
    vi.resetModules()
  })

  it('the error is BackendUnavailableError, and a module that the host gives serves', async () => {
    const module = new WebAssembly.Module(
      readFileSync(new URL('../../../kernels-wasm/rust/artifact/linear-algebra.wasm', import.meta.url)),
    )
    const fresh = await import('../src/linear-algebra/index.ts')
    const compile = vi.spyOn(WebAssembly, 'Module').mockImplementation(function refuse() {
      throw new EvalError('refused')
    })
    expect(() => fresh.cholesky(Float64Array.of(4), 1)).toThrow(expect.objectContaining({ code: 'NNZ_BACKEND' }))
    compile.mockRestore()
    fresh.loadLinearAlgebra(module)
    expect(fresh.cholesky(Float64Array.of(4), 1)).toEqual(Float64Array.of(2))
  })
})
