import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { buildPage } from './build.ts'
import { servePage } from './serve.ts'

const built = fileURLToPath(new URL('../../.cache/browser/', import.meta.url))

await new Command('bench:browser')
  .description('Builds and serves the page that checks and measures the kernels in a browser')
  .option('--port <number>', 'port of this machine', '4180')
  .option('--out <folder>', 'results folder that the page may save into', 'results')
  .action(async ({ port, out }: { port: string; out: string }) => {
    await buildPage(built)
    const { url } = await servePage(built, out, Number(port))
    console.log(`Open ${url} in the browser to be measured; Ctrl+C ends.`)
  })
  .parseAsync()
