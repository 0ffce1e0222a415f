import { dirname } from 'node:path'
import { SingleBar } from 'cli-progress'
import { cacheFolder, fetchModel, listModels } from '../models/index.ts'

/** Prints which models are known, and which are in the cache. */
export async function modelsList(): Promise<void> {
  for (const { model, present } of await listModels()) {
    const megabytes = model.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6
    console.log(
      `${model.name}  ${megabytes.toFixed(1)} MB  ${model.licence}  ${present ? 'in the cache' : 'not fetched'}`,
    )
  }
  console.log(`cache: ${cacheFolder()}`)
}

/** Fetches a model into the cache, checked by its SHA-256. */
export async function modelsFetch(name: string, from: string | undefined): Promise<void> {
  const bar = process.stdout.isTTY
    ? new SingleBar({ format: '{file} {bar} {percentage} % | {eta_formatted} left', hideCursor: true })
    : undefined
  let file = ''
  const fetched = fetchModel(name, {
    ...(from === undefined ? {} : { from }),
    onProgress(progress) {
      if (progress.file !== file) {
        file = progress.file
        if (bar) bar.start(progress.total ?? 1, 0, { file })
        else console.log(`fetching ${file}`)
      }
      bar?.update(progress.received)
    },
  })
  const [path] = await fetched.finally(() => bar?.stop())
  console.log(`${name} is in ${dirname(path)}`)
}
