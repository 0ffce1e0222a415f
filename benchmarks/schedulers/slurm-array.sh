#!/usr/bin/env bash
# One shard of the matrix for each task of a Slurm job array, all on machines of one kind:
#
#   MACHINE=epyc-9354 sbatch --array=1-8 benchmarks/schedulers/slurm-array.sh --suite full
#
# Arguments go to `nnz-bench run`. Submitting the same command again continues: what was measured is kept.
# Each task has a folder of its own, $OUT/<task> (OUT is `shards` unless it is set). Afterwards merge by copying:
#
#   cp -r shards/*/epyc-9354 results/ && npx nnz-bench report results
#
#SBATCH --job-name=nnz-bench
#SBATCH --ntasks=1
#SBATCH --exclusive
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --signal=INT@60
set -euo pipefail

: "${MACHINE:?set MACHINE to the name under which the records are published}"
: "${SLURM_ARRAY_TASK_ID:?submit this script as a job array: sbatch --array=1-8}"
cd "${SLURM_SUBMIT_DIR:-$PWD}"
# Not by npx, which would keep the signal to itself; and the Node.js that the repository pins comes first.
export PATH="$PWD/node_modules/.bin:$PATH"

# Of a whole node the scheduler may still hand out single cores; contenders with two threads need to see them all.
# The signal a minute before the time limit goes to what srun starts: nnz-bench then closes its file and stops.
exec srun --cpu-bind=none nnz-bench run "$@" \
  --machine "$MACHINE" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --out "${OUT:-shards}/$SLURM_ARRAY_TASK_ID" \
  --resume
