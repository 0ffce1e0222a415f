/** N:M and compact weights in files: see `@nnz/core/storage`. */
export * from '@nnz/core/storage'
