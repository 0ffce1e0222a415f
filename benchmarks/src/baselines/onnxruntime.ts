import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Contender } from '../records/index.ts'
import type { ContenderSpec } from '../runner/contender.ts'
import { installed } from './installed.ts'
import { matMulModel, quantisationBound, quantisedModel } from './onnx-model.ts'
import { startProcess } from './process.ts'
import { processContender } from './process-contender.ts'

const PROGRAM = fileURLToPath(new URL(`./onnx-process${extname(import.meta.url)}`, import.meta.url))

/** How the two builds of ONNX Runtime differ in the tables. */
export interface Build {
  readonly flavour: 'web' | 'node'
  readonly dtypes: readonly ('f32' | 'q8')[]
  readonly describe: (dtype: 'f32' | 'q8', threads: number, version: string | null) => Contender
}

/** The contenders of a build for these numbers of threads. */
export async function openOnnxRuntime(build: Build, threads: readonly number[]): Promise<ContenderSpec[]> {
  const name = `onnxruntime-${build.flavour}`
  const { onnx } = (await installed(`${name} onnx-proto`, () => import('onnx-proto'))).default
  await installed(`${name} onnx-proto`, async () => import.meta.resolve(name))
  const specs: ContenderSpec[] = []
  for (const count of threads) {
    const process_ = startProcess(process.execPath, [PROGRAM, build.flavour, String(count)], {})
    const { version } = await process_.request('open')
    for (const dtype of build.dtypes) {
      const model = dtype === 'q8' ? quantisedModel : matMulModel
      specs.push(
        processContender({
          contender: build.describe(dtype, count, String(version)),
          process: process_,
          method: dtype,
          tokenMajor: true,
          files: ({ m, k, n, dense }) => ({ 'model.onnx': model(onnx, dense(), m, k, n) }),
          ...(dtype === 'q8' ? { tolerance: ({ dense, k, n }, x) => quantisationBound(dense(), x, k, n) } : {}),
        }),
      )
    }
  }
  return specs
}
