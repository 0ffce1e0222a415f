type Models = typeof import('../../../src/models/index.ts')

/** A page has no cache of models. */
export const modelFile: Models['modelFile'] = () => undefined
