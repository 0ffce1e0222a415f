type StoredWeights = typeof import('../../../src/products/stored-weights.ts')

export const readStoredWeights: StoredWeights['readStoredWeights'] = async ({ id }) => {
  throw new Error(`${id}: its weights lie in a file, which a page cannot read`)
}
