export { type AttentionEvidenceOptions, attentionEvidence } from './attention.ts'
export {
  DECODER_POINTS,
  type DecoderEvidenceOptions,
  type DecoderPoint,
  decoderEvidence,
  type NamedWindows,
  pointName,
} from './decoder.ts'
export { type NmEvidenceOptions, nmEvidence } from './nm.ts'
export { type PerplexityEvidenceOptions, perplexityEvidence } from './perplexity.ts'
export { selectors } from './selectors.ts'
export { type NamedText, readText } from './text.ts'
