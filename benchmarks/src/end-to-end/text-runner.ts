import type { Prepared } from '../runner/contender.ts'
import type { GenerateTask } from './generate-task.ts'

/** A decoder that is ready for texts. */
export interface TextRunner {
  /** Forgets what was, and takes a text. */
  begin(tokens: readonly number[]): void | Promise<void>
  /** Appends one token, and computes what may follow. */
  append(token: number): void | Promise<void>
  /** log p of every token that may follow now. Never timed. */
  following(): ArrayLike<number> | Promise<ArrayLike<number>>
  dispose(): void | Promise<void>
}

/** What the harness needs of it: `begin` is timed of a prefill, each `append` of a decode. */
export function preparedText(
  { phase, tokens }: Pick<GenerateTask, 'phase' | 'tokens'>,
  runner: TextRunner,
  facts: Pick<Prepared, 'planning' | 'packedBytes' | 'tolerance' | 'expectationOf'>,
): Prepared {
  let text: readonly number[] = []
  let appended: readonly number[] = []
  let output: ArrayLike<number> = []
  const begin = () => timed(() => runner.begin(text))
  const decode = async (count: number) => {
    await begin()
    const samples: number[] = []
    for (const token of appended.slice(0, count)) {
      samples.push(await timed(() => runner.append(token)))
      if (samples.length === 1) output = await runner.following()
    }
    return samples
  }
  const prefill = async () => {
    const samples = [await begin()]
    output = await runner.following()
    return samples
  }
  const decoding = phase === 'decode'
  return {
    ...facts,
    get packedBytes() {
      return facts.packedBytes
    },
    setInput([ids]) {
      text = [...ids.subarray(0, tokens)]
      appended = [...ids.subarray(tokens)]
    },
    poison() {
      output = []
    },
    async run() {
      await (decoding ? decode(1) : prefill())
    },
    async sample(milliseconds) {
      const end = performance.now() + milliseconds
      const samples: number[] = []
      do samples.push(...(await (decoding ? decode(appended.length) : prefill())))
      while (performance.now() < end)
      return samples
    },
    output: () => output,
    dispose: () => runner.dispose(),
  }
}

/** Nanoseconds of a call; what it promises is waited for. */
async function timed(call: () => void | Promise<void>): Promise<number> {
  const start = performance.now()
  const promise = call()
  if (promise) await promise
  return Math.max(1, (performance.now() - start) * 1e6)
}
