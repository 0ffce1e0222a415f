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
import type { AttentionProblem } from '../../problem.ts'
import { keyRanges } from '../../ranges.ts'
import { tileWork } from '../../schedule.ts'
import type { AttentionArguments, BackwardArguments } from '../types.ts'
import type { PatternPacking } from './pattern-packing.ts'
import { placeInput, placeOutput } from './place.ts'
import { type ProblemRecord, RECORD_BYTES, writeRecord } from './record.ts'

const F32 = 4

/** The backend of a WASM row of this package. */
export function expectWasm(backend: Backend): WasmBackend {
  return expectWasmBackend(backend, 'attention')
}

/** What forward and backward have in common: room for operands, lengths, scratch and the record. */
function createRoom(
  problem: AttentionProblem,
  packing: PatternPacking,
  backend: WasmBackend,
  scratchBytes: number,
  work: ArrayLike<number>,
) {
  const { batch, heads, keyHeads, tokens, keys, headDim } = problem
  const { memory } = backend
  const workspace = new Workspace(backend)
  const parts = backend.threads === 1 ? 1 : 4 * backend.threads
  const ranges = balancedRanges(work.length, parts, (unit) => work[unit])
  const bounds = new Int32Array(parts + 1).fill(work.length)
  for (let part = 0; part < ranges.length / 2; part++) bounds[part] = ranges[2 * part]
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
  const boundsRoom = workspace.region(bounds.byteLength)
  const recordRoom = workspace.region(RECORD_BYTES)
  const scratch = workspace.region(parts * scratchBytes)
  return {
    queryRoom,
    keyRoom,
    rooms,
    partRanges: balancedRanges(parts, parts, () => 1),
    record: recordRoom,
    /** Writes lengths and bounds, and returns the record without its tensors. */
    prepare({ ranges: given, scale }: AttentionArguments): Omit<ProblemRecord, 'q' | 'k' | 'v' | 'output'> {
      memory.i32.set(given.low, low() / 4)
      memory.i32.set(given.high, high() / 4)
      memory.i32.set(bounds, boundsRoom() / 4)
      return {
        logSumExp: rooms.logSumExp(),
        heads,
        group: heads / keyHeads,
        tokens,
        headDim,
        scale,
        tiles: packing.schedule.tiles,
        maskHeads: packing.schedule.heads,
        tileStarts: packing.tileStarts,
        entryOffsets: packing.offsets,
        entries: packing.entries,
        low: low(),
        high: high(),
        rangeBatch: given.perBatch ? tokens * 4 : 0,
        bounds: boundsRoom(),
        scratch: scratch(),
        scratchBytes,
        keys,
      }
    },
  }
}

/** Work of each tile of each head, ranges as far as they are known while planning. */
function unitWork(problem: AttentionProblem, packing: PatternPacking): Float64Array {
  const { batch, heads } = problem
  const perList = tileWork(packing.schedule, keyRanges(problem, problem.causal, {}, 'attention').high)
  const { tiles } = packing.schedule
  return Float64Array.from(
    { length: batch * heads * tiles },
    (_, unit) => perList[(Math.floor(unit / tiles) % packing.schedule.heads) * tiles + (unit % tiles)],
  )
}

/** Bytes of scratch of a part of `attention`. */
function forwardScratch(headDim: number): number {
  return 20_480 + 512 * headDim
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
  const room = createRoom(problem, pattern, backend, forwardScratch(problem.headDim), unitWork(problem, pattern))
  return {
    run(args) {
      const { rooms } = room
      const q = placeInput(args.q, memory, rooms.q())
      const k = placeInput(args.k, memory, rooms.k())
      const v = placeInput(args.v, memory, rooms.v())
      const output = placeOutput(args.output, memory, rooms.output())
      writeRecord({ ...room.prepare(args), q, k, v, output }, memory.i32, memory.f32, room.record())
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

/** Runs `attentionBackward`: a unit of work is a key head, whose gradients nobody else writes. */
export function backwardRunner(
  problem: AttentionProblem,
  packing: Packing,
  backend: WasmBackend,
): Runner<BackwardArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const pattern = packing as PatternPacking
  const perTile = unitWork(problem, pattern)
  const size = perTile.length / (problem.batch * problem.keyHeads)
  const work = Float64Array.from({ length: problem.batch * problem.keyHeads }, (_, head) =>
    perTile.subarray(head * size, (head + 1) * size).reduce((sum, x) => sum + x, 0),
  )
  const room = createRoom(problem, pattern, backend, backwardScratch(problem.headDim), work)
  const [dOutputRoom, dQRoom, dKRoom, dVRoom] = [room.queryRoom(), room.queryRoom(), room.keyRoom(), room.keyRoom()]
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
      const record = { ...room.prepare(args), q, k, v, output, dOutput, dQ, dK, dV }
      writeRecord(record, memory.i32, memory.f32, room.record())
      kernels.parallel('attentionBackward', [room.record()], room.partRanges)
      for (const gradient of [dQ, dK, dV]) gradient.finish()
    },
  }
}
