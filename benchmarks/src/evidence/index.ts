export { type AttentionEvidenceOptions, attentionEvidence } from './attention.ts'
export { type NmEvidenceOptions, nmEvidence } from './nm.ts'
export { type NamedText, readText } from './text.ts'
