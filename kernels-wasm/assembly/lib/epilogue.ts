// What follows a product: y = activation(y + bias + residual) in place, and the gate of SwiGLU.
// Strides are bytes between rows; within a row elements are contiguous. A pointer of 0 means "none". For the numbers of
// `activation` see activation.ts.
import { activate, silu } from './activation'

/** y is [rows, columns], bias one number for each row. [begin, end): rows. */
export function epilogue(
  y: usize,
  yStride: usize,
  columns: i32,
  bias: usize,
  residual: usize,
  residualStride: usize,
  activation: i32,
  begin: i32,
  end: i32,
): void {
  for (let row = begin; row < end; row++) {
    const p = y + <usize>row * yStride
    if (bias) addScalar(p, columns, load<f32>(bias + (<usize>row << 2)))
    if (residual) addRow(p, columns, residual + <usize>row * residualStride)
    activate(p, p, columns, activation)
  }
}

/** The token-major form: y is [tokens, columns], bias one number for each column. [begin, end): tokens. */
export function epilogueTokens(
  y: usize,
  yStride: usize,
  columns: i32,
  bias: usize,
  residual: usize,
  residualStride: usize,
  activation: i32,
  begin: i32,
  end: i32,
): void {
  for (let token = begin; token < end; token++) {
    const p = y + <usize>token * yStride
    if (bias) addRow(p, columns, bias)
    if (residual) addRow(p, columns, residual + <usize>token * residualStride)
    activate(p, p, columns, activation)
  }
}

/** out = silu(gate) * up + residual, each [rows, columns]; out may be gate, not up. [begin, end): rows. */
export function gateSilu(
  out: usize,
  outStride: usize,
  gate: usize,
  gateStride: usize,
  up: usize,
  upStride: usize,
  columns: i32,
  residual: usize,
  residualStride: usize,
  begin: i32,
  end: i32,
): void {
  for (let row = begin; row < end; row++) {
    const p = out + <usize>row * outStride
    silu(p, gate + <usize>row * gateStride, columns)
    multiplyRow(p, columns, up + <usize>row * upStride)
    if (residual) addRow(p, columns, residual + <usize>row * residualStride)
  }
}

function addScalar(y: usize, columns: i32, value: f32): void {
  const v = f32x4.splat(value)
  for (; columns >= 4; columns -= 4, y += 16) v128.store(y, f32x4.add(v128.load(y), v))
  for (; columns > 0; columns--, y += 4) store<f32>(y, load<f32>(y) + value)
}

function addRow(y: usize, columns: i32, row: usize): void {
  for (; columns >= 4; columns -= 4, y += 16, row += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(row)))
  for (; columns > 0; columns--, y += 4, row += 4) store<f32>(y, load<f32>(y) + load<f32>(row))
}

function multiplyRow(y: usize, columns: i32, row: usize): void {
  for (; columns >= 4; columns -= 4, y += 16, row += 16) v128.store(y, f32x4.mul(v128.load(y), v128.load(row)))
  for (; columns > 0; columns--, y += 4, row += 4) store<f32>(y, load<f32>(y) * load<f32>(row))
}
