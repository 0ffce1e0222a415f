import { pythonBaseline } from './python.ts'

/** PyTorch on the CPU: `torch.mm` into a result that is kept, dense and CSR weights. */
export const torch = pythonBaseline({
  name: 'torch',
  library: 'torch',
  methods: [
    { name: 'torch-dense', method: 'dense' },
    { name: 'torch-csr', method: 'sparse' },
  ],
  threaded: true,
})
