// A layer pruned to 90 %: packed once, run on every batch, and compared with the dense layer.
import { csr, linear, tensor } from '@nnz/spmm'

const [outputs, inputs, tokens] = [1536, 384, 64]
const weights = Float32Array.from({ length: outputs * inputs }, (_, i) => (i % 10 === 0 ? Math.sin(i) : 0))
const layer = linear.plan(csr.fromDense(weights, [outputs, inputs]), { columns: tokens, activation: 'relu' })
const out = tensor(new Float32Array(tokens * outputs), [tokens, outputs])

for (let batch = 0; batch < 3; batch++) {
  const x = Float32Array.from({ length: tokens * inputs }, (_, i) => Math.cos(i + batch))
  layer.run(tensor(x, [tokens, inputs]), { out })

  let difference = 0
  for (let token = 0; token < tokens; token++) {
    for (let row = 0; row < outputs; row += 97) {
      let sum = 0
      for (let i = 0; i < inputs; i++) sum += weights[row * inputs + i] * x[token * inputs + i]
      difference = Math.max(difference, Math.abs(Math.max(0, sum) - out.data[token * outputs + row]))
    }
  }
  console.log(
    `batch ${batch}: largest difference from the dense layer ${difference < 1e-4 ? 'below 0.0001' : difference}`,
  )
}
console.error(String(layer.explain()))
layer.dispose()
