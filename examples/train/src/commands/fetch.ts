import { FASHION_MNIST, fetchedFolder, fetchFiles } from '../data/fetch.ts'

/** Gets Fashion-MNIST into the cache, where `--dataset fashion-mnist` finds it. */
export async function fetchData({ from = FASHION_MNIST.source }: { from?: string }): Promise<void> {
  const folder = fetchedFolder('fashion-mnist')
  await fetchFiles(from, FASHION_MNIST.files, folder, (name) => console.error(`fetching ${name}`))
  console.log(folder)
}
