import { SingleBar } from 'cli-progress'

/** Shows how far a long run is: a bar with the time left on a terminal, a line for each point elsewhere. */
export interface Progress {
  at(done: number, point: string, contender: string): void
  stop(): void
}

export function createProgress(total: number): Progress {
  if (!process.stdout.isTTY) {
    let last = ''
    return {
      at(done, point) {
        if (point !== last) console.log(`${done + 1}/${total} ${point}`)
        last = point
      },
      stop() {},
    }
  }
  const bar = new SingleBar({
    format: '{bar} {value}/{total} | {eta_formatted} left | {point} {contender}',
    barsize: 20,
    etaBuffer: 4,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
  })
  bar.start(total, 0, { point: '', contender: '' })
  return {
    at: (done, point, contender) => bar.update(done, { point, contender }),
    stop: () => bar.stop(),
  }
}
