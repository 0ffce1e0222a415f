import type { JOB } from './job.ts'

/** What the pool posts to a worker: the memory, and a set's module to instantiate. */
export interface WorkerMail {
  readonly memory: WebAssembly.Memory
  /** Byte address and length in words of the control block. */
  readonly control: number
  readonly controlWords: number
  readonly job: typeof JOB
  readonly set: number
  readonly module: WebAssembly.Module | undefined
  readonly exports: readonly string[]
  /** The mail counter after this message. */
  readonly mail: number
}

/**
 * The whole program of a worker. It refers to nothing outside itself, because its source text is what a Blob or an
 * eval worker gets.
 */
export function workerMain(listen: (handler: (mail: WorkerMail) => void) => void): void {
  type Entry = (...args: number[]) => void
  const sets: Entry[][] = []
  let started = false

  /** Takes parts of the open job until none is left; false if the job needs a module that is still in the mail. */
  function work(words: Int32Array, job: typeof JOB): boolean {
    for (;;) {
      const open = Atomics.load(words, job.open)
      const parts = open & 0xffff
      if (parts === 0) return true
      const entries = sets[open >>> 16]
      if (entries === undefined) return false
      if (Atomics.compareExchange(words, job.open, open, open - 1) !== open) continue
      const range = job.ranges + 2 * (parts - 1)
      const args = Array.from(words.subarray(job.arguments, job.arguments + words[job.argumentCount]))
      try {
        entries[words[job.exportIndex]](...args, words[range], words[range + 1])
      } catch {
        Atomics.store(words, job.failed, 1)
      }
      if (Atomics.add(words, job.done, 1) + 1 === words[job.parts]) Atomics.notify(words, job.done)
    }
  }

  listen(({ memory, control, controlWords, job, set, module, exports, mail }) => {
    if (module) {
      const instance = new WebAssembly.Instance(module, { env: { memory } })
      sets[set] = exports.map((name) => instance.exports[name] as Entry)
    }
    const words = new Int32Array(memory.buffer, control, controlWords)
    if (!started) {
      started = true
      Atomics.add(words, job.ready, 1)
      Atomics.notify(words, job.ready)
    }
    for (;;) {
      const generation = Atomics.load(words, job.generation)
      // Further mail, a missing module or the end: back to the event loop.
      if (Atomics.load(words, job.mail) !== mail || Atomics.load(words, job.closed) !== 0) return
      if (!work(words, job)) return
      // Jobs of one network follow each other closely: look a while before parking.
      for (let spins = 2000; spins > 0 && Atomics.load(words, job.generation) === generation; spins--);
      Atomics.wait(words, job.generation, generation)
    }
  })
}
