import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * The commit of a package's own repository, and whether anything but `results/` differs from it. Both null where the package
 * is not part of a checkout: inside someone's node_modules the commit would be theirs, not ours.
 */
export async function commitOf(packageFolder: string): Promise<{ commit: string | null; dirty: boolean | null }> {
  const git = async (...args: string[]) => (await run('git', ['-C', packageFolder, ...args])).stdout.trim()
  try {
    await git('ls-files', '--error-unmatch', 'package.json')
    const commit = await git('rev-parse', 'HEAD')
    const changes = await git('status', '--porcelain', '--', ':(top)', ':(top,exclude)results')
    return { commit, dirty: changes !== '' }
  } catch {
    return { commit: null, dirty: null }
  }
}
