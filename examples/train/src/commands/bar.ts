import { SingleBar } from 'cli-progress'
import type { StepListener } from '../train.ts'

/** Lines where there is no terminal: about so many. */
const LINES = 20

/** Shows how far a training is: a bar on a terminal, some lines elsewhere. */
export function progressBar(name: string, steps: number): { onStep: StepListener; stop(): void } {
  let accuracy = '–'
  const note = (held: number | undefined) => {
    if (held !== undefined) accuracy = `${(100 * held).toFixed(2)} %`
  }
  if (!process.stderr.isTTY) {
    const every = Math.max(1, Math.floor(steps / LINES))
    return {
      onStep(step, loss, held) {
        note(held)
        if (step % every === 0 || held !== undefined)
          console.error(`${name} ${step}/${steps} loss ${loss.toFixed(4)} accuracy ${accuracy}`)
      },
      stop() {},
    }
  }
  const bar = new SingleBar({
    format: `${name} {bar} {value}/{total} | {eta_formatted} left | loss {loss} | accuracy {accuracy}`,
    barsize: 20,
    hideCursor: true,
    linewrap: false,
  })
  bar.start(steps, 0, { loss: '–', accuracy })
  return {
    onStep(step, loss, held) {
      note(held)
      bar.update(step, { loss: loss.toFixed(4), accuracy })
    },
    stop: () => bar.stop(),
  }
}
