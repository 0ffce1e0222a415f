import type { Tensor } from '@nnz/core'

/** A linear layer whose weights can be replaced: y = W·x for each token. */
export interface PrunableLayer {
  /** Its name, one of its own in the network. */
  readonly name: string
  /** Outputs. */
  readonly rows: number
  /** Inputs. */
  readonly columns: number
  /** The weights as they are now, [rows, columns], row-major; not to be written. */
  readonly weights: Float32Array
  /** Replaces them: [rows, columns], row-major. */
  set(weights: Float32Array): void
}

/** What {@link PrunableNetwork.stream} tells. */
export interface StreamVisitor {
  /**
   * Inputs of a layer, [tokens, columns], for one batch; they are valid during the call only. Layers of a stage that share
   * an input are told one after the other with one tensor, so that it need be looked at once.
   */
  observe(layer: PrunableLayer, x: Tensor): void
  /** Called when every batch went through a stage: layers of the stage may be replaced now. */
  finished(stage: number): void | Promise<void>
}

/** A network whose layers can be pruned one stage after the other, each on the inputs that pruned earlier stages give it. */
export interface PrunableNetwork {
  /**
   * In computing order. Inputs of a stage depend on earlier stages alone. For a block of a transformer: [q, k, v],
   * [output], [up (, gate)], [down].
   */
  readonly stages: readonly (readonly PrunableLayer[])[]
  /**
   * Streams the calibration data once through the network, stage by stage: for stage s calls `observe(layer, x)` for every
   * batch, then awaits `finished(s)`, where the layers of that stage are replaced, then computes on with the weights as
   * they are now, so that later stages see pruned inputs. It costs one forward pass.
   */
  stream(visitor: StreamVisitor): Promise<void>
}

/** Weights of one linear layer. */
export interface LayerWeights {
  /** [rows, columns], row-major. */
  readonly weights: Float32Array
  /** Outputs. */
  readonly rows: number
  /** Inputs. */
  readonly columns: number
}

/** What pruning a layer gives. */
export interface PrunedLayer {
  /** New weights, 0 where the mask is. */
  readonly weights: Float32Array
  /** 1 where a weight is kept, else 0; row-major. A weight that was 0 before may be among the kept ones. */
  readonly mask: Uint8Array
}
