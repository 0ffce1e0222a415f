import { SingleBar } from 'cli-progress'
import type { FileProgress } from './options.ts'

/** Shows how far a run is: a bar with the time left on a terminal, a line for each matrix elsewhere. */
export function showProgress(): { at(progress: FileProgress): void; stop(): void } {
  const { stderr } = process
  const bar = stderr.isTTY
    ? new SingleBar({
        stream: stderr,
        format: '{bar} {value}/{total} | {eta_formatted} left | {name}',
        barsize: 20,
        hideCursor: true,
        clearOnComplete: true,
        linewrap: false,
      })
    : undefined
  return {
    at({ done, total, resumed, last }) {
      if (!last && resumed > 0) stderr.write(`${resumed} of ${total} were finished by an earlier run\n`)
      if (!last) bar?.start(total, done, { name: '' })
      else if (bar) bar.update(done, { name: last.name })
      else
        stderr.write(
          `${done}/${total} ${last.name} ${percent(last.sparsity)}${last.error === null ? '' : `, error ${percent(last.error)}`}\n`,
        )
    },
    stop: () => bar?.stop(),
  }
}

/** A share as a percentage with one digit. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
