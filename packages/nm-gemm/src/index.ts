export { kernels } from './kernels/index.ts'
export { NmPlan } from './plan.ts'
