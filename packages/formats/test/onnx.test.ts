import { describe, expect, test } from 'vitest'
import { bytesSource, openOnnx } from '../src/index.ts'
import { failing } from './support/failing.ts'
import {
  elsewhere,
  everyKind,
  initialiser,
  type Message,
  message,
  model,
  node,
  raw,
  text,
  whole,
} from './support/onnx.ts'

const open = (bytes: Uint8Array) => openOnnx(bytesSource(bytes, 'm.onnx'))
const w = initialiser('w', 1, [1], raw(Float32Array.of(1)))

describe('ONNX', () => {
  test('reads initialisers of every kind', async () => {
    const file = await open(everyKind())
    const floats = async (name: string) => [...(await file.read(name)).data]
    const elements = async (name: string) => [...(await file.readRaw(name)).data]
    expect(file.tensors.get('w')).toMatchObject({ dtype: 'F32', shape: [2, 3], byteLength: 24 })
    expect(await floats('w')).toEqual([1, -2, 3, 4, 5, 6])
    expect(await floats('half')).toEqual([1, -2])
    expect(await floats('typed')).toEqual([0.5, -1, 8])
    expect(await floats('single')).toEqual([7])
    expect(await floats('bits')).toEqual([1, -10])
    expect(await floats('double')).toEqual([Math.fround(0.1)])
    expect(await floats('scalar')).toEqual([9])
    expect(await floats('none')).toEqual([])
    expect(await elements('small')).toEqual([-128, 127, 0])
    expect(await elements('whole')).toEqual([-5n, 2n ** 40n])
    expect(await elements('unsigned')).toEqual([4294967295])
    expect(Object.fromEntries(file.metadata)).toEqual({ ir_version: '8', producer_name: 'nnz', opset: '17', k: 'v' })
    expect((await failing(() => file.read('small'))).message).toContain('is I8, expected floating point numbers')
    expect((await failing(() => file.readRaw('words'))).message).toContain('elements of type ONNX 8 cannot be read')
  })

  test('says which operations take an initialiser, and along which axis their outputs lie', async () => {
    const { tensors } = await open(everyKind())
    const uses = (name: string) => tensors.get(name)!.uses
    expect(uses('w')).toEqual([
      { operation: 'MatMul', node: 'the MatMul', input: 1, outputAxis: 1 },
      { operation: 'Gemm', node: 'the Gemm', input: 1, outputAxis: 1 },
    ])
    expect(uses('half')).toEqual([{ operation: 'Gemm', node: 'the Gemm', input: 1, outputAxis: 0 }])
    expect(uses('typed')).toEqual([{ operation: 'Gather', node: 'the Gather', input: 0, outputAxis: undefined }])
    expect(uses('scalar')).toEqual([])
  })

  test('axes of every operation', async () => {
    const filter = initialiser('f', 1, [1, 1, 1], raw(Float32Array.of(1)))
    const nodes = [
      node('MatMul', ['f', 'x']),
      node('Gemm', ['f', 'x'], { transA: 1 }),
      node('Gemm', ['f', 'x']),
      node('Conv', ['x', 'f', 'f']),
      node('ConvTranspose', ['x', 'f']),
      node('QLinearMatMul', ['x', 's', 'z', 'f']),
    ]
    const { tensors } = await open(model(...nodes, filter))
    expect(tensors.get('f')!.uses.map(({ outputAxis }) => outputAxis)).toEqual([1, 1, 0, 0, undefined, 1, 2])
  })

  test('follows an initialiser through operations that pass it on', async () => {
    const weight = (name: string, ...shape: number[]) => initialiser(name, 1, shape, raw(new Float32Array(6)))
    const { tensors } = await open(
      model(
        node('Transpose', ['w']),
        node('Cast', ['Transpose output']),
        node('MatMul', ['x', 'Cast output']),
        node('Transpose', ['same'], { perm: [0, 1] }),
        node('Gemm', ['x', 'Transpose output'], { transB: 1 }),
        node('Transpose', ['deep'], { perm: [0, 2, 1] }),
        node('MatMul', ['x', 'Transpose output']),
        node('Relu', ['same']),
        node('MatMul', ['x', 'Relu output']),
        weight('w', 2, 3),
        weight('same', 2, 3),
        weight('deep', 1, 2, 3),
      ),
    )
    const uses = (name: string) => tensors.get(name)!.uses.map((use) => `${use.operation} ${use.outputAxis}`)
    expect(uses('w')).toEqual(['Transpose undefined', 'Cast undefined', 'MatMul 0'])
    expect(uses('deep')).toEqual(['Transpose undefined'])
    expect(uses('same')).toEqual(['Transpose undefined', 'Gemm 0', 'Relu undefined'])
  })

  test('reads elements of files beside the model, each opened once and closed with it', async () => {
    const log: string[] = []
    const external = async (location: string) => {
      log.push(`open ${location}`)
      const source = bytesSource(new Uint8Array(Float32Array.of(0, 1, 2).buffer), location)
      return { ...source, close: async () => void log.push('close') }
    }
    const bytes = model(
      initialiser('a', 1, [2], ...elsewhere({ location: 'w.data', offset: '4', length: '8' })),
      initialiser('b', 1, [1], ...elsewhere({ location: 'w.data' })),
      initialiser('c', 1, [4], ...elsewhere({ location: 'w.data' })),
    )
    const file = await openOnnx(bytesSource(bytes, 'm.onnx'), { external })
    expect(log).toEqual([])
    expect([...(await file.read('a')).data]).toEqual([1, 2])
    expect([...(await file.read('b')).data]).toEqual([0])
    expect((await failing(() => file.read('c'))).message).toContain('w.data: at byte 12: the file ends too early')
    await file.close()
    expect(log).toEqual(['open w.data', 'close'])
    expect((await failing(async () => (await open(bytes)).read('a'))).message).toContain('give the option external')
  })

  test.each(['', '/etc/passwd', '../w', 'a/../../w', 'a//b', 'C:\\w', 'http://x/w'])(
    'opens no file %j',
    async (location) => {
      const error = await failing(() => open(model(initialiser('a', 1, [1], ...elsewhere({ location })))))
      expect(error.message).toContain('expected the name of a file beside the model')
    },
  )

  const one = (type: number, shape: readonly (number | bigint)[], ...elements: Message[]) =>
    model(initialiser('t', type, shape, ...elements))
  const two = raw(Float32Array.of(1, 2))
  test.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'this is no ONNX model'],
    ['another message', Uint8Array.of(0x08, 0x01), 'this is no ONNX model'],
    ['groups', Uint8Array.of(0x0b, 0x0b, 0x0b), 'this is no message of protocol buffers'],
    ['two graphs', Uint8Array.from([...model(w), ...model(w)]), 'the model has two graphs'],
    ['a name twice', model(w, w), 'the initialiser "w" is there twice'],
    ['a graph that is a number', Uint8Array.of(0x08, 0x01, 0x38, 0x01), 'field 7 has the type 0, expected 2'],
    ['a negative extent', one(1, [-1], two), 'without negative extents'],
    ['an extent of 2^63', one(1, [2n ** 63n - 1n], two), 'expected a whole number below 2^53'],
    ['a product that overflows', one(1, [2n ** 52n, 2n ** 52n, 2n ** 52n], two), 'it has 8'],
    ['another number of bytes', one(1, [3], two), 'takes 12 bytes, it has 8'],
    ['more elements than bytes', one(1, [1e9], (writer) => void writer.tag(4, 5).float(1)), 'more elements than its'],
    ['many axes', one(1, Array(33).fill(1), two), 'expected at most 32 axes'],
    ['many packed axes', one(1, [], message(1, ...Array(400).fill(whole(1, 1))), two), 'expected at most 32 axes'],
    ['bytes twice', one(1, [2], two, two), 'has its bytes twice'],
    ['elements twice', one(1, [2], two, (writer) => void writer.tag(4, 5).float(1)), 'its elements are in two places'],
    ['no file', one(1, [2], whole(14, 1)), 'in no way in which file'],
    [
      'another length',
      one(1, [2], ...elsewhere({ location: 'x', length: '9' })),
      'takes 8 bytes, 9 are said to be in x',
    ],
    ['a negative offset', one(1, [2], ...elsewhere({ location: 'x', offset: '-4' })), 'are said to be in x'],
    ['a name that is no text', one(1, [2], two, (writer) => void writer.tag(8, 2).bytes(Uint8Array.of(255))), 'UTF-8'],
  ])('refuses %s', async (_, bytes, message) => {
    const error = await failing(() => open(bytes))
    expect(error).toMatchObject({ name: 'FileFormatError', code: 'NNZ_FILE', file: 'm.onnx' })
    expect(error.message).toContain(message)
  })

  test.each<[string, Uint8Array, string]>([
    ['too few', one(1, [2], (writer) => void writer.tag(4, 5).float(1)), 'expected 2 elements, there are 1'],
    ['too many', one(1, [1], (writer) => void writer.tag(4, 2).bytes(new Uint8Array(8))), 'more elements than the 1'],
    ['cut', one(1, [1], (writer) => void writer.tag(4, 2).bytes(new Uint8Array(3))), 'a number ends too early'],
    ['too large', one(3, [1], (writer) => void writer.tag(5, 0).int32(128)), '128 is not of type I8'],
    ['in another field', one(1, [1], (writer) => void writer.tag(5, 0).int32(1)), 'elements of F32 stand in field 5'],
  ])('refuses elements that are %s', async (_, bytes, message) => {
    const file = await open(bytes)
    const error = await failing(() => file.read('t').catch(() => file.readRaw('t')))
    expect(error).toMatchObject({ name: 'FileFormatError', file: 'm.onnx' })
    expect(error.message).toContain(message)
  })

  test('reads a graph that is longer than what is read at a time, passing over what nobody asks for', async () => {
    const large = raw(new Float32Array(1e5).fill(2))
    const bytes = model(
      ...Array.from({ length: 3000 }, (_, i) => node('MatMul', [`x${i}`, 'large'])),
      message(2, text(1, 'x'.repeat(200_000))),
      initialiser('large', 1, [100, 1000], large),
      w,
    )
    let read = 0
    const source = bytesSource(bytes, 'm.onnx')
    const counting = {
      ...source,
      read: (at: number, length: number) => source.read(at, length).finally(() => (read += length)),
    }
    const file = await openOnnx(counting)
    expect(file.tensors.get('large')!.uses).toHaveLength(3000)
    expect(read).toBeLessThan(bytes.length - 400_000)
    expect((await file.read('large')).data.every((value) => value === 2)).toBe(true)
  })
})
