import { pythonBaseline } from './python.ts'

/** oneMKL's inspector-executor CSR, called without a wrapper: hints and `mkl_sparse_optimize` are part of planning. */
export const onemkl = pythonBaseline({
  name: 'onemkl',
  library: 'onemkl',
  methods: [{ name: 'onemkl-csr', method: 'sparse' }],
  threaded: true,
})
