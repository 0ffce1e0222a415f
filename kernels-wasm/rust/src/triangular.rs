use nalgebra::DMatrixViewMut;

/// Up to this many rows columns are computed one after the other; above, halves are joined by matrix products.
const SMALL: usize = 64;

/// Inverts a lower triangular matrix in place. What stands above the diagonal is not touched and must be zero.
pub fn invert_lower(mut lower: DMatrixViewMut<'_, f64>) {
    let n = lower.nrows();
    if n <= SMALL {
        return invert_small(lower);
    }
    let half = n / 2;
    invert_lower(lower.view_mut((0, 0), (half, half)));
    invert_lower(lower.view_mut((half, half), (n - half, n - half)));
    let joined =
        lower.view((half, half), (n - half, n - half)) * lower.view((half, 0), (n - half, half));
    let (top, mut bottom) = lower.rows_range_pair_mut(0..half, half..n);
    bottom
        .columns_mut(0, half)
        .gemm(-1.0, &joined, &top.columns(0, half), 0.0);
}

/// From the last column to the first: column j below the diagonal is the inverse of what stands right of it, times the
/// column, times -1 / the diagonal element.
fn invert_small(mut lower: DMatrixViewMut<'_, f64>) {
    let n = lower.nrows();
    for j in (0..n).rev() {
        let diagonal = 1.0 / lower[(j, j)];
        lower[(j, j)] = diagonal;
        for k in (j + 1..n).rev() {
            let factor = -diagonal * lower[(k, j)];
            lower[(k, j)] = 0.0;
            for i in k..n {
                let term = factor * lower[(i, k)];
                lower[(i, j)] += term;
            }
        }
    }
}
