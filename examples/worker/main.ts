import type { Answer } from './worker.ts'

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const status = document.querySelector('pre')!
const button = document.querySelector('button')!

worker.onmessage = ({ data }: MessageEvent<Answer>) => {
  status.textContent =
    data.error ?? `${data.threads} threads, median ${data.milliseconds.toFixed(2)} ms\n${data.explanation}`
  button.disabled = false
}
button.addEventListener('click', () => {
  button.disabled = true
  status.textContent = 'Working …'
  worker.postMessage({ threads: Math.max(2, Math.min(4, navigator.hardwareConcurrency)) })
})
