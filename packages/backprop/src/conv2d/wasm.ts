import {
  balancedRanges,
  type Csr,
  type StagedMatrix,
  stageInput,
  stageOutput,
  tensor,
  type WasmBackend,
  WasmBlock,
  Workspace,
} from '@nnz/core'
import * as set from '../generated/wasm.ts'
import { type PlaneLayout, planeLayout, tapOffset } from './planes.ts'
import type { BackwardArguments, Conv2dRunner, ForwardArguments } from './runner.ts'
import { type Conv2dShape, imageOf } from './shape.ts'

const F32 = 4
/** Bytes of a weight and its offset. */
const ENTRY = 8

/** Weights by rows in WASM memory: a value and an offset each. Threads share rows out by their weights. */
class TapStream {
  readonly ranges: Int32Array
  readonly #backend: WasmBackend
  readonly #block: WasmBlock
  readonly #order: Uint32Array | undefined
  readonly #starts: Uint32Array

  /** @param order where the value of entry i of the stream stands in canonical order; undefined for "at i" */
  constructor(backend: WasmBackend, starts: Uint32Array, offsets: Int32Array, order: Uint32Array | undefined) {
    this.#backend = backend
    this.#order = order
    this.#starts = starts
    this.#block = new WasmBlock(backend, ENTRY * offsets.length + 2 * starts.byteLength)
    const { buffer } = backend.memory.memory
    const words = new Int32Array(buffer, this.stream, 2 * offsets.length)
    for (let i = 0; i < offsets.length; i++) words[2 * i + 1] = offsets[i]
    const tables = new Uint32Array(buffer, this.byteOffsets, 2 * starts.length)
    tables.set(starts.map((start) => start * ENTRY))
    tables.set(starts, starts.length)
    this.ranges = balancedRanges(
      starts.length - 1,
      backend.threads === 1 ? 1 : 4 * backend.threads,
      (row) => starts[row + 1] - starts[row] + 1,
    )
  }

  get bytes(): number {
    return this.#block.bytes + (this.#order?.byteLength ?? 0)
  }

  get stream(): number {
    return this.#block.address
  }

  /** Byte offset of each row. */
  get byteOffsets(): number {
    return this.#block.address + ENTRY * this.#starts[this.#starts.length - 1]
  }

  /** First entry of each row. */
  get firstEntries(): number {
    return this.byteOffsets + this.#starts.byteLength
  }

  updateValues(values: Float32Array): void {
    const order = this.#order
    const target = this.#backend.memory.f32
    const at = this.stream / F32
    if (order) for (let i = 0; i < order.length; i++) target[at + 2 * i] = values[order[i]]
    else for (let i = 0; i < values.length; i++) target[at + 2 * i] = values[i]
  }

  dispose(): void {
    this.#block.dispose()
  }
}

function forwardStream(backend: WasmBackend, w: Csr, shape: Conv2dShape, layout: PlaneLayout): TapStream {
  const offsets = Int32Array.from(w.columnIndices, (column) => tapOffset(column, shape, layout).bytes)
  const stream = new TapStream(backend, w.rowOffsets, offsets, undefined)
  stream.updateValues(w.values)
  return stream
}

/** The weights by planes of the input: what each plane's gradient is a sum of. */
function transposedStream(backend: WasmBackend, w: Csr, shape: Conv2dShape, layout: PlaneLayout): TapStream {
  const planes = layout.phases[0] * layout.phases[1] * shape.channels
  const taps = Array.from(w.columnIndices, (column) => tapOffset(column, shape, layout))
  const starts = new Uint32Array(planes + 1)
  for (const { plane } of taps) starts[plane + 1]++
  for (let i = 0; i < planes; i++) starts[i + 1] += starts[i]
  const next = starts.slice(0, planes)
  const offsets = new Int32Array(w.nnz)
  const order = new Uint32Array(w.nnz)
  for (let row = 0; row < shape.outChannels; row++) {
    for (let entry = w.rowOffsets[row]; entry < w.rowOffsets[row + 1]; entry++) {
      const to = next[taps[entry].plane]++
      offsets[to] = (row * layout.gridStride - taps[entry].shift) * F32
      order[to] = entry
    }
  }
  const stream = new TapStream(backend, starts, offsets, order)
  stream.updateValues(w.values)
  return stream
}

/** Images and planes in WASM memory, and the way between them. */
class Images {
  readonly layout: PlaneLayout
  readonly #backend: WasmBackend
  readonly #shape: Conv2dShape
  readonly #planes: () => number
  readonly #grids: () => number

  constructor(backend: WasmBackend, workspace: Workspace, shape: Conv2dShape) {
    this.layout = planeLayout(shape)
    this.#backend = backend
    this.#shape = shape
    this.#planes = workspace.region(this.layout.size * F32)
    this.#grids = workspace.region(this.layout.gridSize * F32)
  }

  /** Address of the planes of the input. */
  get planes(): number {
    return this.#planes()
  }

  /** Address of the first output grid, behind its margin. */
  get grids(): number {
    return this.#grids() + this.layout.margin * F32
  }

  #call(name: 'splitPlanes' | 'joinPlanes', args: readonly number[], planes: number): void {
    const { threads } = this.#backend
    const ranges = balancedRanges(planes, threads === 1 ? 1 : 4 * threads, () => 1)
    this.#backend.kernels(set).parallel(name, args, ranges)
  }

  /** Calls for one phase after another: a phase is an offset of the image. */
  #forEachPhase(name: 'splitPlanes' | 'joinPlanes', address: number, ...more: readonly number[]): void {
    const { channels, height, width, padding } = this.#shape
    const { rows, columns, planeStride, stride, phases } = this.layout
    for (let phase = 0; phase < phases[0] * phases[1]; phase++) {
      const [y, x] = [Math.floor(phase / phases[1]), phase % phases[1]]
      const image = [address, channels, height, width, ...stride, padding[0] - y, padding[1] - x]
      const planes = this.planes + phase * channels * planeStride * F32
      this.#call(name, [...image, planes, rows, columns, planeStride * F32, ...more], channels)
    }
  }

  #output(address: number): number[] {
    const { outChannels, outHeight, outWidth } = this.#shape
    const { columns, gridStride } = this.layout
    return [address, outChannels, outHeight, outWidth, 1, 1, 0, 0, this.grids, outHeight, columns, gridStride * F32]
  }

  /** Fills the planes from an image. */
  split(address: number): void {
    const { phases, planeStride, size } = this.layout
    const start = this.planes / F32
    const filled = phases[0] * phases[1] * this.#shape.channels * planeStride
    // What the last vectors read too much is multiplied by zeros.
    this.#backend.memory.f32.fill(0, start + filled, start + size)
    this.#forEachPhase('splitPlanes', address)
  }

  /** Writes an image from the planes; what no tap reaches is 0. */
  join(address: number): void {
    const { channels, height, width } = this.#shape
    this.#backend.memory.f32.fill(0, address / F32, address / F32 + channels * height * width)
    this.#forEachPhase('joinPlanes', address, 0)
  }

  /** Fills the output grids from an output image, with zeros around each. */
  widen(address: number): void {
    this.#backend.memory.f32.fill(0, this.#grids() / F32, this.grids / F32)
    this.#call('splitPlanes', this.#output(address), this.#shape.outChannels)
  }

  /** Writes an output image from the grids, with the bias added. */
  crop(address: number, bias: number): void {
    this.#call('joinPlanes', [...this.#output(address), bias], this.#shape.outChannels)
  }
}

function asRow(values: Float32Array) {
  return tensor(values, [1, values.length])
}

function inputSize({ channels, height, width }: Conv2dShape): number {
  return channels * height * width * F32
}

function outputSize({ outChannels, outHeight, outWidth }: Conv2dShape): number {
  return outChannels * outHeight * outWidth * F32
}

/** The forward pass on planes. */
export function planesForward(w: Csr, shape: Conv2dShape, backend: WasmBackend): Conv2dRunner<ForwardArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const images = new Images(backend, workspace, shape)
  const xRoom = workspace.region(inputSize(shape))
  const yRoom = workspace.region(outputSize(shape))
  const biasRoom = workspace.region(shape.outChannels * F32)
  const { gridStride, gridVectors } = images.layout
  const stream = forwardStream(backend, w, shape, images.layout)
  return {
    method: 'WASM, planes',
    bytes: stream.bytes,
    run({ x, y, bias }) {
      if (bias) memory.f32.set(bias, biasRoom() / F32)
      for (let image = 0; image < x.shape[0]; image++) {
        images.split(stageInput(asRow(imageOf(x, image)), memory, xRoom()).address)
        const args = [stream.byteOffsets, stream.stream, images.planes, images.grids, gridStride * F32, gridVectors]
        kernels.parallel('convolvePlanes', args, stream.ranges)
        const to = stageOutput(asRow(imageOf(y, image)), memory, yRoom(), 'rows')
        images.crop(to.address, bias ? biasRoom() : 0)
        to.finish()
      }
    },
    updateValues: (values) => stream.updateValues(values),
    dispose: () => stream.dispose(),
  }
}

/** The backward pass on planes. */
export function planesBackward(
  w: Csr,
  shape: Conv2dShape,
  needs: { readonly dx: boolean; readonly dValues: boolean },
  backend: WasmBackend,
): Conv2dRunner<BackwardArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const images = new Images(backend, workspace, shape)
  const xRoom = workspace.region(inputSize(shape))
  const dxRoom = workspace.region(inputSize(shape))
  const dyRoom = workspace.region(outputSize(shape))
  const valuesRoom = workspace.region(w.nnz * F32)
  const sumsRoom = workspace.region(shape.outChannels * F32)
  const { gridStride, gridVectors, planeStride, planeVectors } = images.layout
  const forward = needs.dValues ? forwardStream(backend, w, shape, images.layout) : undefined
  const transposed = needs.dx ? transposedStream(backend, w, shape, images.layout) : undefined
  const pixels = shape.outHeight * shape.outWidth

  function weightGradients(stream: TapStream, pixelsOfX: Float32Array): void {
    images.split(stageInput(asRow(pixelsOfX), memory, xRoom()).address)
    const operands = [images.planes, images.grids, gridStride * F32, gridVectors, valuesRoom(), 0]
    kernels.parallel('correlatePlanes', [stream.firstEntries, stream.stream, ...operands], stream.ranges)
  }

  function imageGradients(stream: TapStream, to: StagedMatrix): void {
    const operands = [images.grids, images.planes, planeStride * F32, planeVectors]
    kernels.parallel('convolvePlanes', [stream.byteOffsets, stream.stream, ...operands], stream.ranges)
    images.join(to.address)
  }

  return {
    method: 'WASM, planes',
    bytes: (forward?.bytes ?? 0) + (transposed?.bytes ?? 0),
    run({ x, dy, dx, dValues, dBias }) {
      const values = () => memory.f32.subarray(valuesRoom() / F32, valuesRoom() / F32 + w.nnz)
      if (dValues) values().fill(0)
      dBias?.fill(0)
      for (let image = 0; image < dy.shape[0]; image++) {
        const slopes = stageInput(asRow(imageOf(dy, image)), memory, dyRoom())
        images.widen(slopes.address)
        if (dValues && forward) weightGradients(forward, imageOf(x!, image))
        if (dx && transposed) {
          const to = stageOutput(asRow(imageOf(dx, image)), memory, dxRoom(), 'rows')
          imageGradients(transposed, to)
          to.finish()
        }
        if (dBias) {
          kernels.call('slopeRows', slopes.address, pixels * F32, 0, 0, 0, 0, pixels, sumsRoom(), 0, 0, dBias.length)
          const sums = memory.f32.subarray(sumsRoom() / F32, sumsRoom() / F32 + dBias.length)
          for (let i = 0; i < dBias.length; i++) dBias[i] += sums[i]
        }
      }
      if (dValues) dValues.set(values())
    },
    updateValues(next) {
      forward?.updateValues(next)
      transposed?.updateValues(next)
    },
    dispose() {
      forward?.dispose()
      transposed?.dispose()
    },
  }
}
