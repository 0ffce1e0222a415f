import {
  type Backend,
  balancedRanges,
  expectWasmBackend,
  type Packing,
  type Runner,
  type WasmBackend,
  Workspace,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { AttentionProblem, AttentionShape } from '../../problem.ts'
import type { AttentionArguments, BackwardArguments } from '../types.ts'
import type { PatternPacking } from './pattern-packing.ts'
import { placeInput, placeOutput } from './place.ts'
import { type ProblemRecord, RECORD_BYTES, writeRecord } from './record.ts'
import { backwardSplits, backwardWork, forwardWork, type Work } from './work.ts'

const F32 = 4

/** The backend of a WASM row of this package. */
export function expectWasm(backend: Backend): WasmBackend {
  return expectWasmBackend(backend, 'attention')
}

/** Parts into which work is shared out. */
function partsOf({ threads }: WasmBackend): number {
  return threads === 1 ? 1 : 4 * threads
}

/** What forward and backward have in common: room for operands, lengths, scratch and the record. */
function createRoom<W extends Work>(
  problem: AttentionProblem,
  packing: PatternPacking,
  backend: WasmBackend,
  scratchBytes: number,
  workOf: (shape: AttentionShape) => W,
) {
  const { batch, heads, keyHeads, tokens, keys, headDim } = problem
  const { memory } = backend
  const workspace = new Workspace(backend)
  const parts = partsOf(backend)
  const queryBytes = batch * heads * tokens * headDim * F32
  const keyBytes = batch * keyHeads * keys * headDim * F32
  const queryRoom = () => workspace.region(queryBytes)
  const keyRoom = () => workspace.region(keyBytes)
  const rooms = {
    q: queryRoom(),
    k: keyRoom(),
    v: keyRoom(),
    output: queryRoom(),
    logSumExp: workspace.region(batch * heads * tokens * F32),
  }
  const low = workspace.region(batch * tokens * 4)
  const high = workspace.region(batch * tokens * 4)
  const boundsRoom = workspace.region(4 * (parts + 1))
  const recordRoom = workspace.region(RECORD_BYTES)
  const scratch = workspace.region(parts * scratchBytes)
  // A run may be smaller than the plan: the work of the last size is kept.
  let work = workOf(problem)
  let shape: AttentionShape = problem
  return {
    workspace,
    queryRoom,
    keyRoom,
    rooms,
    partRanges: balancedRanges(parts, parts, () => 1),
    record: recordRoom,
    /** Writes lengths and bounds, and returns the record without its tensors, and how the work is shared out. */
    prepare({ q, k, ranges: given, scale }: AttentionArguments): {
      record: Omit<ProblemRecord, 'q' | 'k' | 'v' | 'output'>
      work: W
    } {
      const [, , count] = q.shape
      if (count !== shape.tokens || k.shape[2] !== shape.keys) {
        shape = { batch, heads, keyHeads, tokens: count, keys: k.shape[2], headDim }
        work = workOf(shape)
      }
      memory.i32.set(given.low, low() / 4)
      memory.i32.set(given.high, high() / 4)
      memory.i32.set(work.bounds, boundsRoom() / 4)
      const record = {
        logSumExp: rooms.logSumExp(),
        heads,
        group: heads / keyHeads,
        tokens: count,
        headDim,
        scale,
        tiles: work.tiles,
        maskHeads: packing.schedule.heads,
        tileStarts: packing.tileStarts,
        entryOffsets: packing.offsets,
        entries: packing.entries,
        low: low(),
        high: high(),
        rangeBatch: given.perBatch ? count * 4 : 0,
        bounds: boundsRoom(),
        scratch: scratch(),
        scratchBytes,
        keys: shape.keys,
      }
      return { record, work }
    },
  }
}

/** Bytes of scratch of a part of `attention`. */
function forwardScratch(headDim: number): number {
  return 57_344 + 512 * headDim
}

/** Runs `attention`. */
export function forwardRunner(
  problem: AttentionProblem,
  packing: Packing,
  backend: WasmBackend,
): Runner<AttentionArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const pattern = packing as PatternPacking
  const room = createRoom(problem, pattern, backend, forwardScratch(problem.headDim), (shape) =>
    forwardWork(shape, problem.causal, pattern.schedule, partsOf(backend)),
  )
  return {
    run(args) {
      const { rooms } = room
      const q = placeInput(args.q, memory, rooms.q())
      const k = placeInput(args.k, memory, rooms.k())
      const v = placeInput(args.v, memory, rooms.v())
      const output = placeOutput(args.output, memory, rooms.output())
      writeRecord({ ...room.prepare(args).record, q, k, v, output }, memory.i32, memory.f32, room.record())
      kernels.parallel('attention', [room.record()], room.partRanges)
      output.finish()
      args.logSumExp.set(memory.f32.subarray(rooms.logSumExp() / F32, rooms.logSumExp() / F32 + args.logSumExp.length))
    },
  }
}

/** Bytes of scratch of a part of `attentionBackward`. */
function backwardScratch(headDim: number): number {
  return 38_912 + 768 * headDim
}

/** Runs `attentionBackward`. */
export function backwardRunner(
  problem: AttentionProblem,
  packing: Packing,
  backend: WasmBackend,
): Runner<BackwardArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const pattern = packing as PatternPacking
  const splits = backwardSplits(problem, pattern.schedule)
  const room = createRoom(problem, pattern, backend, backwardScratch(problem.headDim), (shape) =>
    backwardWork(shape, problem.causal, pattern.schedule, partsOf(backend), splits),
  )
  const { batch, keyHeads, keys, headDim } = problem
  const [dOutputRoom, dQRoom, dKRoom, dVRoom] = [room.queryRoom(), room.queryRoom(), room.keyRoom(), room.keyRoom()]
  const unitTilesRoom = room.workspace.region(8 * batch * keyHeads * splits)
  const partialRoom = room.workspace.region((splits - 1) * 2 * batch * keyHeads * keys * headDim * F32)
  return {
    run(args) {
      const { rooms } = room
      const q = placeInput(args.q, memory, rooms.q())
      const k = placeInput(args.k, memory, rooms.k())
      const v = placeInput(args.v, memory, rooms.v())
      const output = placeInput(args.output, memory, rooms.output())
      const dOutput = placeInput(args.dOutput, memory, dOutputRoom())
      const dQ = placeOutput(args.dQ, memory, dQRoom())
      const dK = placeOutput(args.dK, memory, dKRoom())
      const dV = placeOutput(args.dV, memory, dVRoom())
      memory.f32.set(args.logSumExp, rooms.logSumExp() / F32)
      const { record, work } = room.prepare(args)
      memory.i32.set(work.unitTiles, unitTilesRoom() / 4)
      const parts = { splits, unitTiles: unitTilesRoom(), partial: partialRoom() }
      writeRecord({ ...record, ...parts, q, k, v, output, dOutput, dQ, dK, dV }, memory.i32, memory.f32, room.record())
      kernels.parallel('attentionBackward', [room.record()], room.partRanges)
      const blocks = splits > 1 ? batch * keyHeads * Math.ceil(args.k.shape[2] / 64) : 0
      if (blocks > 0)
        kernels.parallel(
          'attentionBackwardMerge',
          [room.record()],
          balancedRanges(blocks, partsOf(backend), () => 1),
        )
      for (const gradient of [dQ, dK, dV]) gradient.finish()
    },
  }
}
