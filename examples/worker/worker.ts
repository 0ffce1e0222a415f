import { csr, linear, tensor, wasm } from '@nnz/spmm'

/** What the page gets back. */
export type Answer =
  | { error: string }
  | { error?: undefined; threads: number; milliseconds: number; explanation: string }

const [outputs, inputs, tokens] = [3072, 768, 128]

async function multiply(threads: number): Promise<Answer> {
  const backend = await wasm.threads(threads)
  const weights = Float32Array.from({ length: outputs * inputs }, () => (Math.random() < 0.9 ? 0 : Math.random() - 0.5))
  const layer = linear.plan(csr.fromDense(weights, [outputs, inputs]), {
    columns: tokens,
    activation: 'gelu',
    backend,
  })
  const x = tensor(
    Float32Array.from({ length: tokens * inputs }, () => Math.random() - 0.5),
    [tokens, inputs],
  )
  const out = tensor(new Float32Array(tokens * outputs), [tokens, outputs])
  const times: number[] = []
  for (let run = 0; run < 30; run++) {
    const start = performance.now()
    layer.run(x, { out })
    times.push(performance.now() - start)
  }
  const milliseconds = times.slice(10).sort((a, b) => a - b)[10]
  const explanation = String(layer.explain())
  layer.dispose()
  return { threads: backend.threads, milliseconds, explanation }
}

self.onmessage = ({ data }: MessageEvent<{ threads: number }>) => {
  multiply(data.threads)
    .catch((error: Error): Answer => ({ error: error.message }))
    .then((answer) => self.postMessage(answer))
}
