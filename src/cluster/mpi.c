/* cluster/mpi.c: the module xai-mpi.so, the only file that knows MPI. Built where MPI is found, loaded by cluster.c where
 * mpirun is. */
#define _GNU_SOURCE
#include <mpi.h>
#include <stdlib.h>

#include "cluster/cluster.h"

/* A rank that ends well waits for the others; one that fails does not, and mpirun ends them all. */
static void finish(int status, void *nothing) {
  int over = 0;
  (void)nothing;
  if (status == 0 && MPI_Finalized(&over) == MPI_SUCCESS && !over) MPI_Finalize();
}

static int start(int *rank, int *size) {
  int provided, there;
  if (MPI_Initialized(&there) != MPI_SUCCESS) return 1;
  if (!there && MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) return 1;
  if (!there) on_exit(finish, NULL);
  return MPI_Comm_rank(MPI_COMM_WORLD, rank) != MPI_SUCCESS || MPI_Comm_size(MPI_COMM_WORLD, size) != MPI_SUCCESS;
}

/* In pieces: MPI counts with int. Its errors end the job. */
static void broadcast(void *bytes, size_t n, int from) {
  const size_t most = (size_t)1 << 30;
  for (char *at = bytes; n > 0;) {
    size_t piece = n < most ? n : most;
    MPI_Bcast(at, (int)piece, MPI_BYTE, from, MPI_COMM_WORLD);
    at += piece;
    n -= piece;
  }
}

static int all_agree(int yes) {
  int all = 0;
  MPI_Allreduce(&yes, &all, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
  return all;
}

__attribute__((visibility("default"))) extern const xai_cluster_ops xai_cluster_mpi;
const xai_cluster_ops xai_cluster_mpi = {XAI_CLUSTER_VERSION, start, broadcast, all_agree};
