import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { PYTHON_SCRIPT } from './python-script.ts'

/** A Python that answers orders, one after the other. It does not keep this process alive, and ends with it. */
export interface Python {
  /** For the matrices that go to and fro; removed at the end. */
  readonly folder: string
  /** @throws Error with what Python says; where a module is missing, how to install it */
  ask<T>(order: Readonly<Record<string, unknown>>): Promise<T>
}

interface Reply {
  readonly value?: unknown
  readonly error?: string
  /** The Python package that is missing. */
  readonly module?: string
}

interface Asked {
  resolve(reply: Reply): void
  reject(error: Error): void
}

/** Starts a Python. One that cannot be started, or ends, rejects every question. */
export function startPython(executable: string): Python {
  const folder = mkdtempSync(join(tmpdir(), 'nnz-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  // Between two runs Intel's OpenMP threads would spin for 200 ms, on the cores of whoever is measured next.
  const environment = { KMP_BLOCKTIME: '1', ...process.env }
  const child = spawn(executable, ['-c', PYTHON_SCRIPT], { stdio: ['pipe', 'pipe', 'ignore'], env: environment })
  const asked: Asked[] = []
  let failure: Error | undefined
  const fail = (reason: string) => {
    failure ??= new Error(`${reason}; NNZ_PYTHON names another Python`)
    for (const { reject } of asked.splice(0)) reject(failure)
  }
  child.on('error', (error) => fail(`Python cannot be started: ${error.message}`))
  child.on('exit', (code, signal) => fail(`Python ended with ${signal ?? `code ${code}`}`))
  child.stdin.on('error', () => {})
  createInterface(child.stdout).on('line', (line) => {
    asked.shift()?.resolve(JSON.parse(line) as Reply)
    if (asked.length === 0) holdOpen(child, false)
  })
  holdOpen(child, false)
  return {
    folder,
    async ask<T>(order: Readonly<Record<string, unknown>>) {
      if (failure) throw failure
      const { error, module, value } = await new Promise<Reply>((resolve, reject) => {
        asked.push({ resolve, reject })
        holdOpen(child, true)
        child.stdin.write(`${JSON.stringify(order)}\n`)
      })
      if (module) throw new Error(`the Python package ${module} is missing: python3 -m pip install ${module}`)
      if (error !== undefined) throw new Error(`Python: ${error}`)
      return value as T
    },
  }
}

/** Whether a child keeps this process alive: while it is asked something. */
function holdOpen(child: ChildProcessByStdio<Writable, Readable, null>, open: boolean): void {
  for (const handle of [child, child.stdin, child.stdout] as unknown as { ref(): void; unref(): void }[]) {
    if (open) handle.ref()
    else handle.unref()
  }
}
