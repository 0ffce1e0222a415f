/**
 * Imports an optional package.
 *
 * @throws Error that says how to install it, where it is not there
 */
export async function installed<T>(packages: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error
    throw new Error(`not installed: npm install ${packages}`, { cause: error })
  }
}
