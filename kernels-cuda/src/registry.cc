#include "common/registry.h"

#include "spmm/spmm_csr.h"

namespace nnz {

const Launcher launchers[] = {
    launcher<SpmmCsr, launch_spmm_csr>(),
};
const size_t launcher_count = sizeof launchers / sizeof *launchers;

}  // namespace nnz
