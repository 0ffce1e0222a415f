import { BackendUnavailableError } from '../errors.ts'
import { mayBlock } from '../features.ts'
import type { WasmMemory } from '../memory/wasm-memory.ts'
import { CONTROL_WORDS, JOB, MAX_ARGUMENTS, MAX_PARTS } from './job.ts'
import { type PoolWorker, spawnWorker } from './spawn.ts'

/** Half-open ranges of work units, flat: `[begin0, end0, begin1, end1, …]`. */
export type Ranges = ArrayLike<number>

type Entry = (...args: number[]) => void

/** A set of microkernels, instantiated on the caller's thread, as the pool needs it. */
export interface PoolSet {
  readonly module: WebAssembly.Module
  readonly names: readonly string[]
  readonly entries: readonly Entry[]
}

/** Workers that share the realm's memory, and the caller's thread as one more. */
export interface Pool {
  /** Threads including the caller's. */
  readonly threads: number
  /** Settles when every worker has started. */
  readonly ready: Promise<void>
  /** Makes a set known to every worker and returns its number. */
  register(set: PoolSet): number
  /** Calls export `name` of a set once for each range, as `export(...args, begin, end)`, on all threads. */
  run(set: number, name: string, args: readonly number[], ranges: Ranges): void
  close(): void
}

/** Starts `threads - 1` workers. They may still be starting when this returns: jobs run from the first moment on. */
export function createPool(memory: WasmMemory, threads: number): Pool {
  const control = memory.allocate(CONTROL_WORDS * 4)
  const words = new Int32Array(memory.memory.buffer, control, CONTROL_WORDS)
  words.fill(0)
  let failure: unknown
  const workers: PoolWorker[] = Array.from({ length: threads - 1 }, () =>
    spawnWorker((error) => {
      failure ??= error
    }),
  )
  const sets: PoolSet[] = []
  let mail = 0

  function post(set: number): void {
    mail++
    // Before the messages: a worker that reads one must find the counter that it names.
    Atomics.store(words, JOB.mail, mail)
    for (const worker of workers) {
      worker.post({
        memory: memory.memory,
        control,
        controlWords: CONTROL_WORDS,
        job: JOB,
        set,
        module: sets[set]?.module,
        exports: sets[set]?.names ?? [],
        mail,
      })
    }
    wake()
  }

  function wake(): void {
    Atomics.add(words, JOB.generation, 1)
    Atomics.notify(words, JOB.generation)
  }

  async function started(): Promise<void> {
    while (Atomics.load(words, JOB.ready) < threads - 1) {
      if (failure !== undefined) {
        throw new BackendUnavailableError(
          'threads: a worker did not start; where a content policy forbids Blob workers, give configure() a workerUrl',
          {
            cause: failure,
          },
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  function takeParts(entry: Entry, args: readonly number[], ranges: Ranges): void {
    for (;;) {
      const open = Atomics.load(words, JOB.open)
      const parts = open & 0xffff
      if (parts === 0) return
      if (Atomics.compareExchange(words, JOB.open, open, open - 1) !== open) continue
      try {
        entry(...args, ranges[2 * parts - 2], ranges[2 * parts - 1])
      } catch {
        Atomics.store(words, JOB.failed, 1)
      }
      Atomics.add(words, JOB.done, 1)
    }
  }

  function awaitOthers(parts: number): void {
    let spins = 0
    for (let done = Atomics.load(words, JOB.done); done < parts; done = Atomics.load(words, JOB.done)) {
      if (++spins > 2000 && mayBlock()) Atomics.wait(words, JOB.done, done, 100)
    }
    if (Atomics.load(words, JOB.failed) !== 0) throw new Error('threads: a microkernel trapped')
  }

  post(-1)
  const ready = started()
  // Whoever awaits `ready` hears of a failure; without workers the caller's thread does the work.
  ready.catch(() => {})
  return {
    threads,
    ready,
    register(set) {
      sets.push(set)
      post(sets.length - 1)
      return sets.length - 1
    },
    run(set, name, args, ranges) {
      const parts = ranges.length >> 1
      const { names, entries } = sets[set]
      const exportIndex = names.indexOf(name)
      if (parts > MAX_PARTS || args.length > MAX_ARGUMENTS || exportIndex < 0) {
        throw new Error(`threads: ${name} with ${parts} parts and ${args.length} arguments cannot be run`)
      }
      words[JOB.parts] = parts
      words[JOB.exportIndex] = exportIndex
      words[JOB.argumentCount] = args.length
      words[JOB.failed] = 0
      words[JOB.done] = 0
      words.set(args, JOB.arguments)
      words.set(ranges, JOB.ranges)
      Atomics.store(words, JOB.open, (set << 16) | parts)
      wake()
      takeParts(entries[exportIndex], args, ranges)
      awaitOthers(parts)
    },
    close() {
      Atomics.store(words, JOB.closed, 1)
      wake()
      for (const worker of workers) worker.terminate()
    },
  }
}
