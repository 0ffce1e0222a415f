export { type AttentionEvidenceOptions, attentionEvidence } from './attention.ts'
export {
  DECODER_POINTS,
  type DecoderEvidenceOptions,
  type DecoderPoint,
  decoderEvidence,
  type NamedWindows,
  pointName,
} from './decoder.ts'
export { type EncoderEvidenceOptions, encoderEvidence } from './encoder.ts'
export { DISTILLED_POINTS, ENCODER_POINTS, type EncoderPoint, encoderPointName } from './encoder-points.ts'
export { type NmEvidenceOptions, nmEvidence } from './nm.ts'
export { type PerplexityEvidenceOptions, perplexityEvidence } from './perplexity.ts'
export { selectors } from './selectors.ts'
export { type NamedText, readBrown, readText, sentencesOf } from './text.ts'
