export { fileSource } from './file-source.ts'
export { openTensorsFile } from './open-file.ts'
export { createSafetensors, type SafetensorsWriter } from './safetensors-writer.ts'
