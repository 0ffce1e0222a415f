export { type ListedWorkload, listWorkloads, type WorkloadSelection } from './list.ts'
export type { Operation, Suite } from './operation.ts'
export { operationOf, operations } from './operations.ts'
