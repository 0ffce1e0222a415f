//! Dense f64 linear algebra on flat row-major arrays; nalgebra does the work. The caller owns the module's memory: it asks
//! for arrays with `allocate`, fills them, calls one function and reads the results from the arrays it gave.

mod triangular;

use nalgebra::{Cholesky, DMatrix, DMatrixViewMut, SVD, SymmetricEigen};
use std::alloc::{Layout, alloc, dealloc};
use std::slice;

/// What every function returns.
#[repr(u32)]
pub enum Status {
    Done = 0,
    NotPositiveDefinite = 1,
    NoConvergence = 2,
}

/// Off-diagonal elements this small beside their neighbours on the diagonal count as zero.
const EPSILON: f64 = f64::EPSILON;

/// Steps of the QR iteration per row; two or three are usual.
const STEPS_PER_ROW: usize = 100;

fn layout(count: usize) -> Option<Layout> {
    Layout::array::<f64>(count.max(1)).ok()
}

/// An array of `count` doubles, or null where there is no memory for it.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(count: usize) -> *mut f64 {
    match layout(count) {
        Some(layout) => unsafe { alloc(layout).cast() },
        None => std::ptr::null_mut(),
    }
}

/// Frees an array.
///
/// # Safety
/// It must come from `allocate` with the same count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(array: *mut f64, count: usize) {
    if let Some(layout) = layout(count) {
        unsafe { dealloc(array.cast(), layout) }
    }
}

unsafe fn values<'a>(array: *mut f64, count: usize) -> &'a mut [f64] {
    unsafe { slice::from_raw_parts_mut(array, count) }
}

/// nalgebra stores columns: what it sees in a row-major array is the transpose.
fn transposed(values: &mut [f64], rows: usize, columns: usize) -> DMatrixViewMut<'_, f64> {
    DMatrixViewMut::from_slice(values, columns, rows)
}

/// L of a = L Lᵀ, zeros above the diagonal; `None` where a is not positive definite.
fn lower_factor(a: &[f64], n: usize) -> Option<DMatrix<f64>> {
    Cholesky::new(DMatrix::from_column_slice(n, n, a)).map(Cholesky::unpack)
}

/// a [n, n] := L with a = L Lᵀ.
///
/// # Safety
/// `a` must point to n² doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cholesky(a: *mut f64, n: usize) -> Status {
    let a = unsafe { values(a, n * n) };
    let Some(lower) = lower_factor(a, n) else {
        return Status::NotPositiveDefinite;
    };
    transposed(a, n, n).copy_from(&lower.transpose());
    Status::Done
}

/// a [n, n] := a⁻¹ for a symmetric positive definite.
///
/// # Safety
/// `a` must point to n² doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inverse(a: *mut f64, n: usize) -> Status {
    let a = unsafe { values(a, n * n) };
    let Some(mut lower) = lower_factor(a, n) else {
        return Status::NotPositiveDefinite;
    };
    triangular::invert_lower(lower.as_view_mut());
    let inverse = lower.transpose() * &lower;
    // The product's rounding need not be the same on both sides of the diagonal.
    for row in 0..n {
        for column in 0..=row {
            a[row * n + column] = inverse[(row, column)];
            a[column * n + row] = inverse[(row, column)];
        }
    }
    Status::Done
}

/// a [n, n] := the upper triangular U with a⁻¹ = Uᵀ U. With J reversing the order, J a J = L Lᵀ gives U = J L⁻¹ J, which is
/// a third of the work of inverting a and factoring its inverse, and loses less to rounding.
///
/// # Safety
/// `a` must point to n² doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inverse_factor(a: *mut f64, n: usize) -> Status {
    let a = unsafe { values(a, n * n) };
    a.reverse();
    let Some(mut lower) = lower_factor(a, n) else {
        return Status::NotPositiveDefinite;
    };
    triangular::invert_lower(lower.as_view_mut());
    transposed(a, n, n).copy_from(&lower.transpose());
    a.reverse();
    Status::Done
}

/// Thin SVD of a [rows, columns], k = min(rows, columns): u [rows, k], s [k] falling, vt [k, columns].
///
/// # Safety
/// The arrays must be as large as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svd(
    a: *mut f64,
    rows: usize,
    columns: usize,
    u: *mut f64,
    s: *mut f64,
    vt: *mut f64,
) -> Status {
    let k = rows.min(columns);
    // nalgebra panics on an empty matrix.
    if k == 0 {
        return Status::Done;
    }
    let (a, u, s, vt) = unsafe {
        (
            values(a, rows * columns),
            values(u, rows * k),
            values(s, k),
            values(vt, k * columns),
        )
    };
    let matrix = DMatrix::from_row_slice(rows, columns, a);
    let Some(parts) = SVD::try_new(matrix, true, true, EPSILON, k * STEPS_PER_ROW) else {
        return Status::NoConvergence;
    };
    let (Some(left), Some(right)) = (parts.u, parts.v_t) else {
        return Status::NoConvergence;
    };
    transposed(u, rows, k).copy_from(&left.transpose());
    s.copy_from_slice(parts.singular_values.as_slice());
    transposed(vt, k, columns).copy_from(&right.transpose());
    Status::Done
}

/// Eigenvalues [n], rising, of a symmetric; a [n, n] := its eigenvectors as columns.
///
/// # Safety
/// The arrays must be as large as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn symmetric_eigen(a: *mut f64, n: usize, eigenvalues: *mut f64) -> Status {
    // nalgebra panics on an empty matrix.
    if n == 0 {
        return Status::Done;
    }
    let (a, eigenvalues) = unsafe { (values(a, n * n), values(eigenvalues, n)) };
    let matrix = DMatrix::from_column_slice(n, n, a);
    let Some(parts) = SymmetricEigen::try_new(matrix, EPSILON, n * STEPS_PER_ROW) else {
        return Status::NoConvergence;
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| parts.eigenvalues[i].total_cmp(&parts.eigenvalues[j]));
    for (to, &from) in order.iter().enumerate() {
        eigenvalues[to] = parts.eigenvalues[from];
        for row in 0..n {
            a[row * n + to] = parts.eigenvectors[(row, from)];
        }
    }
    Status::Done
}
