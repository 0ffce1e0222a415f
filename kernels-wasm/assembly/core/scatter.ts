/** Writes values[i] to stream + positions[i] for i in begin..end: new values for a packed pattern. */
export function scatterValues(values: usize, positions: usize, stream: usize, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    store<f32>(stream + load<u32>(positions + (<usize>i << 2)), load<f32>(values + (<usize>i << 2)))
  }
}
