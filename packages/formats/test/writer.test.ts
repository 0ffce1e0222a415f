import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesSource, fromFloats, openSafetensors, toFloats, writeSafetensors } from '../src/index.ts'
import { createSafetensors, openTensorsFile } from '../src/node.ts'
import { npy, npz, npzParts } from './support/fixtures.ts'
import { everyType } from './support/gguf.ts'
import { elsewhere, initialiser, model } from './support/onnx.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nnz-writer-'))
})
afterAll(() => rm(folder, { recursive: true }))

const tensors = [
  { name: 'half', dtype: 'F16', shape: [3], data: Uint16Array.of(1, 2, 3) },
  { name: 'w', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
  { name: 'none', dtype: 'U8', shape: [0], data: new Uint8Array(0) },
] as const

describe('a safetensors file written tensor by tensor', () => {
  test('has the bytes of one that is written at once, in whatever order', async () => {
    const path = join(folder, 'a.safetensors')
    await writeFile(path, 'older')
    const writer = await createSafetensors(path, tensors, { made: 'here' })
    for (const { name, data } of tensors) await writer.write(name, data)
    expect(await readFile(path, 'utf8')).toBe('older')
    await writer.finish()
    expect(new Uint8Array(await readFile(path))).toEqual(writeSafetensors(tensors, { made: 'here' }))
    expect(await readdir(folder)).toEqual(['a.safetensors'])
    const file = await openTensorsFile(path)
    expect([...file.metadata]).toEqual([['made', 'here']])
    expect([...(await file.read('w')).data]).toEqual([1, 2, 3, 4])
    await file.close()
    await rm(path)
  })

  test('leaves nothing behind when it is given up, and refuses what does not fit', async () => {
    const path = join(folder, 'b.safetensors')
    const writer = await createSafetensors(path, tensors)
    await expect(writer.write('x', new Uint8Array(1))).rejects.toThrow('the tensor "x" is not expected, or not again')
    await expect(writer.write('w', new Float32Array(3))).rejects.toThrow('"w", [2, 2] of F32, takes 16 bytes, got 12')
    await writer.write('w', new Float32Array(4))
    await expect(writer.write('w', new Float32Array(4))).rejects.toThrow('not again')
    await expect(writer.finish()).rejects.toThrow('the tensor "half" was not written')
    await writer.abort()
    expect(await readdir(folder)).toEqual([])
    await expect(createSafetensors(path, [tensors[0], tensors[0]])).rejects.toThrow('two arrays are called "half"')
    const bad = { ...tensors[1], shape: [5] }
    expect(() => writeSafetensors([bad])).toThrow('"w": [5] of F32 takes 20 bytes, got 16')
  })

  test('16-bit numbers come back bit by bit, subnormals too', async () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i)
    for (const dtype of ['F16', 'BF16']) {
      const floats = toFloats(new Uint8Array(bits.buffer), dtype)!
      const back = fromFloats(floats, dtype)
      expect(back.every((value, i) => value === bits[i] || Number.isNaN(floats[i]))).toBe(true)
    }
    const between = Float32Array.of(1.5 * 2 ** -24, 2.5 * 2 ** -24, 2 ** -25, 2 ** -14 - 2 ** -26, 1e-10, -1e-10)
    const reference = new DataView(new ArrayBuffer(2))
    const expected = [...between].map((value) => {
      reference.setFloat16(0, value)
      return reference.getUint16(0)
    })
    expect([...fromFloats(between, 'F16')]).toEqual(expected)
    expect(fromFloats(Float32Array.of(0.5), 'F64')).toEqual(Float64Array.of(0.5))
    expect(() => fromFloats(between, 'I8')).toThrow('expected one of the types F64, F32, F16 and BF16, got I8')
  })
})

describe('files of every format', () => {
  test('are known by their first bytes, whatever their name', async () => {
    const external = model(initialiser('a', 1, [2], ...elsewhere({ location: 'w.data' })))
    const files = {
      safetensors: writeSafetensors(tensors),
      gguf: everyType(),
      onnx: external,
      npy: npy('<f4', [1], Float32Array.of(1)),
      npz: npz(npzParts()),
    }
    for (const [format, bytes] of Object.entries(files)) {
      const path = join(folder, 'file')
      await writeFile(path, bytes)
      const file = await openTensorsFile(path)
      expect(file).toMatchObject({ format, name: 'file' })
      if (format === 'onnx') {
        await writeFile(join(folder, 'w.data'), new Uint8Array(Float32Array.of(5, 6).buffer))
        expect([...(await file.read('a')).data]).toEqual([5, 6])
      }
      await file.close()
    }
    await writeFile(join(folder, 'file'), 'something else')
    await expect(openTensorsFile(join(folder, 'file'))).rejects.toThrow(
      'file: at byte 0: expected a safetensors, GGUF, ONNX, npz or npy file',
    )
  })

  test('an array of NumPy is called as its file', async () => {
    await writeFile(join(folder, 'x.npy'), npy('<f2', [2, 1], Uint16Array.of(0x3c00, 0)))
    const file = await openTensorsFile(join(folder, 'x.npy'))
    expect(await file.read('x')).toEqual({ name: 'x', shape: [2, 1], data: Float32Array.of(1, 0) })
    await file.close()
  })
})

test('a safetensors file is read without what is not asked for', async () => {
  const bytes = writeSafetensors([
    { name: 'large', dtype: 'F32', shape: [1e5], data: new Float32Array(1e5) },
    ...tensors,
  ])
  const source = bytesSource(bytes)
  let read = 0
  const file = await openSafetensors({
    ...source,
    read: (at, length) => source.read(at, length).finally(() => (read += length)),
  })
  await file.read('w')
  expect(read).toBeLessThan(1000)
})
