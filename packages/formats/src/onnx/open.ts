import { WireType } from '@bufbuild/protobuf/wire'
import { type ByteSource, closingOnFailure } from '../bytes/byte-source.ts'
import { quote, type TensorEntry, type TensorFile, tensorFile } from '../tensor-file.ts'
import { ExternalFiles, type OpenExternal } from './external.ts'
import { type Initialiser, readInitialiser, readPair } from './initialiser.ts'
import { type Field, MessageReader } from './message-reader.ts'
import { readTypedData } from './typed-data.ts'
import { type OnnxNode, type OnnxUse, readNode, usesOf } from './uses.ts'

/** An initialiser of a model. */
export interface OnnxTensor extends TensorEntry {
  /** The nodes of the main graph that take it. */
  readonly uses: readonly OnnxUse[]
}

/** An open ONNX model: its tensors are the initialisers of its main graph. */
export type OnnxFile = TensorFile<OnnxTensor, string>

/** Options of {@link openOnnx}. */
export interface OnnxOptions {
  /** Opens a file beside the model, where it keeps elements there. Without it, reading such a tensor is an error. */
  external?: OpenExternal | undefined
}

/** Fields of a `ModelProto` that become metadata, beside `opset` for each domain and the model's own. */
const TEXTS: Readonly<Record<number, string>> = { 2: 'producer_name', 3: 'producer_version', 4: 'domain' }
const NUMBERS: Readonly<Record<number, string>> = { 1: 'ir_version', 5: 'model_version' }

/**
 * Opens an ONNX model (github.com/onnx/onnx, `onnx.proto`): the initialisers of its main graph, and which operations take
 * them. The source, and files of {@link OnnxOptions.external}, are closed with it, and where opening fails.
 *
 * @throws FileFormatError where messages, types, shapes and bytes do not fit, or a name stands twice
 */
export function openOnnx(source: ByteSource, { external }: OnnxOptions = {}): Promise<OnnxFile> {
  return closingOnFailure(source, async () => {
    const reader = new MessageReader(source)
    const metadata = new Map<string, string>()
    let graph: Field | undefined
    for await (const field of reader.fields(0, source.size)) {
      if (Object.hasOwn(TEXTS, field.number)) metadata.set(TEXTS[field.number], await reader.text(field))
      else if (Object.hasOwn(NUMBERS, field.number)) metadata.set(NUMBERS[field.number], `${reader.whole(field)}`)
      else if (field.number === 7) {
        reader.expect(field, WireType.LengthDelimited)
        if (graph) throw reader.error(field.start, 'the model has two graphs')
        graph = field
      } else if (field.number === 8) metadata.set(...(await readOpset(reader, field)))
      else if (field.number === 14) metadata.set(...(await readPair(reader, field)))
    }
    if (!graph || !metadata.has('ir_version'))
      throw reader.error(0, 'this is no ONNX model: it has no version or no graph')
    const initialisers = await readGraph(reader, graph)
    const elsewhere = new ExternalFiles(source.name, external)
    const file = tensorFile(
      'onnx',
      source,
      { tensors: initialisers, metadata },
      {
        async bytes(entry) {
          const { place, offset, byteLength } = entry
          if (place.kind === 'typed') return readTypedData(reader, entry)
          if (place.kind === 'raw') return source.read(offset, byteLength)
          return elsewhere.read(place.location, place.offset, byteLength, offset)
        },
      },
    )
    const close = async () => {
      await elsewhere.close()
      await source.close()
    }
    return { ...file, close }
  })
}

/** An `OperatorSetIdProto`. */
async function readOpset(reader: MessageReader, message: Field): Promise<[key: string, version: string]> {
  reader.expect(message, WireType.LengthDelimited)
  let [domain, version] = ['', 0]
  for await (const field of reader.fields(message.start, message.end)) {
    if (field.number === 1) domain = await reader.text(field)
    if (field.number === 2) version = reader.whole(field)
  }
  return [domain === '' ? 'opset' : `opset ${domain}`, `${version}`]
}

async function readGraph(reader: MessageReader, graph: Field): Promise<Map<string, Initialiser & OnnxTensor>> {
  const initialisers = new Map<string, Initialiser>()
  const nodes: OnnxNode[] = []
  for await (const field of reader.fields(graph.start, graph.end)) {
    if (field.number === 1) nodes.push(await readNode(reader, field))
    if (field.number !== 5) continue
    const initialiser = await readInitialiser(reader, field)
    const { name } = initialiser
    if (initialisers.has(name)) throw reader.error(field.start, `the initialiser ${quote(name)} is there twice`)
    initialisers.set(name, initialiser)
  }
  const uses = usesOf(new Map([...initialisers].map(([name, { shape }]) => [name, shape.length])), nodes)
  return new Map([...initialisers].map(([name, entry]) => [name, { ...entry, uses: uses.get(name)! }]))
}
