import { pythonBaseline } from './python.ts'

/** SciPy's CSR times a NumPy matrix, `w @ x`: one thread, a new result in each run. */
export const scipy = pythonBaseline({
  name: 'scipy',
  library: 'scipy',
  methods: [{ name: 'scipy-csr', method: 'sparse' }],
  threaded: false,
})
