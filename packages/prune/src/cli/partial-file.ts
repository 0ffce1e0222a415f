import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { type DescribedTensor, layOutSafetensors, type SafetensorsEntry } from '@nnz/core/storage'
import { existing } from './paths.ts'

/**
 * A safetensors file that comes into being beside its final place, and a journal of what of it is finished: one line of
 * JSON that says what the run is, then one for each step. A run that is interrupted goes on where it was.
 */
export class PartialFile<Step extends { readonly name: string }> {
  /** Steps of an earlier run, by name. */
  readonly resumed: ReadonlyMap<string, Step>
  readonly size: number
  readonly #path: string
  readonly #entries: ReadonlyMap<string, SafetensorsEntry>
  readonly #data: FileHandle
  readonly #journal: FileHandle

  private constructor(
    path: string,
    layout: { entries: readonly SafetensorsEntry[]; size: number },
    handles: { data: FileHandle; journal: FileHandle },
    resumed: ReadonlyMap<string, Step>,
  ) {
    this.#path = path
    this.#entries = new Map(layout.entries.map((entry) => [entry.name, entry]))
    this.size = layout.size
    this.#data = handles.data
    this.#journal = handles.journal
    this.resumed = resumed
  }

  /**
   * Begins a file, or goes on with one that an equal run began.
   *
   * @param path where it comes into being; the journal lies at `<path>.journal`
   * @param run what the run is, as JSON: only an equal one goes on
   * @param restart throw away what another run left
   * @throws RangeError if another run left something and `restart` is not set
   */
  static async open<Step extends { readonly name: string }>(
    path: string,
    run: unknown,
    tensors: readonly DescribedTensor[],
    metadata: Readonly<Record<string, string>>,
    restart: boolean,
  ): Promise<PartialFile<Step>> {
    const head = JSON.stringify({ run })
    const layout = layOutSafetensors(tensors, metadata)
    const journalPath = `${path}.journal`
    const lines = restart ? undefined : await journalLines(journalPath)
    const begun = await existing(path)
    const goesOn = begun?.size === layout.size && lines?.[0] === head
    // Without the file a journal is worth nothing: the run was cut off when the file had just been moved to its place.
    if (lines !== undefined && lines.length > 0 && begun && !goesOn)
      throw new RangeError(
        `${journalPath}: another run left this, with other options or another input; --restart discards it`,
      )
    if (!goesOn) {
      await rm(path, { force: true })
      await rm(journalPath, { force: true })
    }
    const data = await open(path, goesOn ? 'r+' : 'wx+')
    try {
      if (!goesOn) {
        await data.truncate(layout.size)
        await data.write(layout.beginning, 0, layout.beginning.length, 0)
        await data.datasync()
      }
      const journal = await open(journalPath, 'a')
      const steps = goesOn ? lines.slice(1).map((line) => JSON.parse(line) as Step) : []
      const file = new PartialFile(path, layout, { data, journal }, new Map(steps.map((step) => [step.name, step])))
      // What was cut off in the middle of a line goes.
      if (goesOn) await journal.truncate(Buffer.byteLength(`${lines.join('\n')}\n`))
      else await file.#line(head)
      return file
    } catch (error) {
      await data.close()
      throw error
    }
  }

  /** Writes the bytes of a tensor. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const { offset, byteLength } = this.#entries.get(name)!
    if (bytes.length !== byteLength) throw new RangeError(`${name}: ${bytes.length} bytes, expected ${byteLength}`)
    for (let done = 0; done < byteLength; ) {
      const { bytesWritten } = await this.#data.write(bytes, done, byteLength - done, offset + done)
      done += bytesWritten
    }
  }

  /** Reads the bytes of a tensor that was written, perhaps by an earlier run. */
  async read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { offset, byteLength } = this.#entries.get(name)!
    const bytes = new Uint8Array(byteLength)
    for (let done = 0; done < byteLength; ) {
      const { bytesRead } = await this.#data.read(bytes, done, byteLength - done, offset + done)
      if (bytesRead === 0) throw new RangeError(`${this.#path}: at byte ${offset + done}: the file has become shorter`)
      done += bytesRead
    }
    return bytes
  }

  /** Says that what was written so far belongs to a step that is finished; when the promise fulfils it is on the disk. */
  async finish(step: Step): Promise<void> {
    await this.#data.datasync()
    await this.#line(JSON.stringify(step))
  }

  /** Closes the files and leaves them where they are: another run may go on. */
  async close(): Promise<void> {
    await this.#data.close()
    await this.#journal.close()
  }

  /** Moves the file to its final place in one step. */
  async commit(target: string): Promise<void> {
    await this.#data.datasync()
    await this.close()
    await rename(this.#path, target)
    await rm(`${this.#path}.journal`)
  }

  /** Removes the files: what was in them lies elsewhere. */
  async discard(): Promise<void> {
    await this.close()
    await rm(this.#path)
    await rm(`${this.#path}.journal`)
  }

  async #line(text: string): Promise<void> {
    await this.#journal.appendFile(`${text}\n`)
    await this.#journal.datasync()
  }
}

/** Whole lines of a journal, each of which is JSON; undefined if there is none. */
async function journalLines(path: string): Promise<string[] | undefined> {
  if (!(await existing(path))) return undefined
  const file = await open(path)
  try {
    const text = await file.readFile('utf8')
    const lines = text.split('\n').slice(0, -1)
    for (const line of lines) JSON.parse(line)
    return lines
  } catch (cause) {
    throw new RangeError(`${path}: this is no journal of nnz-prune; --restart discards it`, { cause })
  } finally {
    await file.close()
  }
}
