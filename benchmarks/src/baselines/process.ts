import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Milliseconds after which a request counts as hung. */
const PATIENCE = 300_000

export type Fields = Readonly<Record<string, unknown>>

/** A program that answers requests, one JSON object a line, in order. It lives until this process ends. */
export interface Answering {
  /** Sends `{ op, ...fields }` and fulfils with the answer's fields. Rejects with the `error` that the answer states. */
  request(op: string, fields?: Fields): Promise<Fields>
}

interface Waiting {
  readonly resolve: (answer: Fields) => void
  readonly reject: (error: Error) => void
}

/** Starts a program. It does not keep this process alive, and ends when its input does. */
export function startProcess(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Answering {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const waiting: Waiting[] = []
  let complaints = ''
  let ended: Error | undefined

  /** Only an open request keeps this process alive. */
  function hold(on: boolean): void {
    for (const handle of [child, child.stdin as Socket, child.stdout as Socket, child.stderr as Socket]) {
      if (on) handle.ref()
      else handle.unref()
    }
  }
  function settle(act: (first: Waiting) => void): void {
    const first = waiting.shift()
    if (waiting.length === 0) hold(false)
    if (first) act(first)
  }
  function end(error: Error): void {
    ended ??= error
    while (waiting.length > 0) settle(({ reject }) => reject(error))
  }

  child.on('error', end)
  child.stdin.on('error', end)
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-400)
  })
  child.on('close', (code) => end(new Error(`its process ended with code ${code}: ${complaints.trim()}`)))
  createInterface({ input: child.stdout }).on('line', (line) => {
    // Whatever a library prints is not an answer.
    if (!line.startsWith('{')) return
    const { error, ...answer } = JSON.parse(line) as Fields
    settle(({ resolve, reject }) => (typeof error === 'string' ? reject(new Error(error)) : resolve(answer)))
  })
  hold(false)

  return {
    async request(op, fields = {}) {
      if (ended) throw ended
      hold(true)
      const timer = setTimeout(() => {
        end(new Error(`no answer to ${op} for ${PATIENCE / 1000} s`))
        child.kill('SIGKILL')
      }, PATIENCE)
      try {
        return await new Promise<Fields>((resolve, reject) => {
          waiting.push({ resolve, reject })
          child.stdin.write(`${JSON.stringify({ op, ...fields })}\n`)
        })
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
