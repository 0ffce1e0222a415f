#include "common/registry.h"

#include "attention/attention.h"
#include "check/fragments.h"
#include "gemm/gemm.h"
#include "spmm/spmm_csr.h"

namespace nnz {

const Launcher launchers[] = {
    launcher<Attention, launch_attention>(),
    launcher<AttentionBackward, launch_attention_backward>(),
    launcher<Fragments, launch_fragments>(),
    launcher<LoadedMatrices, launch_loaded_matrices>(),
    launcher<Gemm, launch_gemm>(),
    launcher<SpmmCsr, launch_spmm_csr>(),
};
const size_t launcher_count = sizeof launchers / sizeof *launchers;

}  // namespace nnz
