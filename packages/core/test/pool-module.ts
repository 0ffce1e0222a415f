/**
 * A module over shared memory with two exports, assembled from:
 *
 *     (func (export "mark") (param $base i32) (param $value i32) (param $begin i32) (param $end i32)
 *       for begin <= i < end: i32 at base + 4 i += value)
 *     (func (export "trap") (param i32) (param i32) unreachable)
 */
export const MARK_AND_TRAP = Buffer.from(
  'AGFzbQEAAAABDQJgBH9/f38AYAJ/fwACEgEDZW52Bm1lbW9yeQIDAYCABAMDAgABBw8CBG1hcmsAAAR0cmFwAAEKMwItAQF/A0AgAiADSARAIAAgAkECdGoiBCAEKAIAIAFqNgIAIAJBAWohAgwBCwsLAwAACw==',
  'base64',
)
