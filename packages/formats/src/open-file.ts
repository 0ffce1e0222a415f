import { dirname, join } from 'node:path'
import { fileSource } from './file-source.ts'
import type { NpzOptions } from './numpy/npz.ts'
import { openTensors } from './open.ts'
import type { TensorFile } from './tensor-file.ts'

/** Opens a file as {@link openTensors} does; what an ONNX model keeps in files beside it is found in the same folder. */
export async function openTensorsFile(path: string, options: NpzOptions = {}): Promise<TensorFile> {
  const external = (location: string) => fileSource(join(dirname(path), location))
  return openTensors(await fileSource(path), { ...options, external })
}
