/** The error that a reader rejects with. */
export async function failing(
  read: () => Promise<unknown>,
): Promise<{ name: string; code: string; file: string; offset: number; message: string }> {
  try {
    await read()
  } catch (error) {
    return error as Awaited<ReturnType<typeof failing>>
  }
  throw new Error('the reader accepted it')
}
