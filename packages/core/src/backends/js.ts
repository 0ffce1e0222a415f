import type { Backend } from './backend.ts'

/** Plain JavaScript: the fallback that always works, also where WebAssembly is forbidden. */
export const js: Backend = Object.freeze({ name: 'js', variant: 'js', threads: 1 })
