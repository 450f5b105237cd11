// The evidence memory, the place in the user's script, and the forces before fixes change them (see recorder.cpp).

#ifndef MDEB_RECORDER_MEMORY_H
#define MDEB_RECORDER_MEMORY_H

#include "angle.h"
#include "atom.h"
#include "bond.h"
#include "dihedral.h"
#include "domain.h"
#include "error.h"
#include "fix.h"
#include "force.h"
#include "group.h"
#include "improper.h"
#include "input.h"
#include "kspace.h"
#include "lammps.h"
#include "modify.h"
#include "pair.h"
#include "update.h"

#include "recorder_layout.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <fnmatch.h>
#include <limits>
#include <random>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

using namespace LAMMPS_NS;
using namespace mdeb;

namespace {

Header *header = nullptr;
char *memory_base = nullptr;
std::mt19937_64 rng;

// ---------------------------------------------------------------- what differs between versions of LAMMPS

template <class M> auto post_force_fixes(const M *modify, int) -> decltype(modify->n_post_force_any) { return modify->n_post_force_any; }
template <class M> int post_force_fixes(const M *modify, long) { return modify->n_post_force; }    // 2021
template <class M> auto post_force_respa_fixes(const M *modify, int) -> decltype(modify->n_post_force_respa_any) { return modify->n_post_force_respa_any; }
template <class M> int post_force_respa_fixes(const M *modify, long) { return modify->n_post_force_respa; }    // 2021

// ---------------------------------------------------------------- geometry

// Fold a displacement to the nearest image. LAMMPS's own function stops the run where atoms were moved far, which is
// the script's right.
void minimum_image(const Domain *domain, double *d)
{
  const double *const prd = domain->prd;
  auto fold = [](double &x, double length) {
    const double images = std::nearbyint(x / length);
    x -= images * length;
    return images;
  };
  if (domain->zperiodic) {
    const double images = fold(d[2], prd[2]);
    d[1] -= images * domain->yz;
    d[0] -= images * domain->xz;
  }
  if (domain->yperiodic) d[0] -= fold(d[1], prd[1]) * domain->xy;
  if (domain->xperiodic) fold(d[0], prd[0]);
}

void box_shape(const Domain *domain, double *h)
{
  for (int k = 0; k < 3; k++) h[k] = domain->prd[k];
  h[3] = domain->xy;
  h[4] = domain->xz;
  h[5] = domain->yz;
}

// ---------------------------------------------------------------- sections of the evidence memory

uint64_t rounded(uint64_t bytes) { return (bytes + 7) & ~uint64_t(7); }

// Place for a record at the end of a section, nullptr if there is none. It counts once it is complete and `commit` is
// called, since a run can be killed at any moment.
char *room(Section &section, uint64_t bytes)
{
  if (section.capacity - section.used < rounded(bytes)) {
    section.dropped++;
    return nullptr;
  }
  return memory_base + section.at + section.used;
}

void commit(Section &section, uint64_t bytes)
{
  std::atomic_signal_fence(std::memory_order_seq_cst);    // the record is written before it counts
  section.used += rounded(bytes);
}

// ---------------------------------------------------------------- where in the user's script we are

struct ScriptFile {
  dev_t device = 0;
  ino_t inode = 0;
  std::vector<long> line_starts;

  void index(const char *path)
  {
    line_starts.clear();
    FILE *fp = fopen(path, "r");
    if (!fp) return;
    struct stat info;
    fstat(fileno(fp), &info);
    device = info.st_dev;
    inode = info.st_ino;
    line_starts.push_back(0);
    long offset = 0;
    for (int c; (c = getc(fp)) != EOF;) {
      offset++;
      if (c == '\n') line_starts.push_back(offset);
    }
    fclose(fp);
  }
  // 1-based number of the line that ends before the file's read position; 0 if this is another file
  int64_t line(FILE *fp) const
  {
    struct stat info;
    if (!fp || fstat(fileno(fp), &info) || info.st_dev != device || info.st_ino != inode) return 0;
    long offset = ftell(fp);
    return std::lower_bound(line_starts.begin(), line_starts.end(), offset) - line_starts.begin();
  }
} script;

// ---------------------------------------------------------------- the state before fixes change it

struct Snapshot {
  bigint step = -1;
  int nlocal = 0;
  std::vector<double> vectors;    // forces or positions
  double origin[3], h[6];

  void take(LAMMPS *lmp, double **of_atoms)
  {
    step = lmp->update->ntimestep;
    nlocal = lmp->atom->nlocal;
    if (nlocal) vectors.assign(of_atoms[0], of_atoms[0] + 3 * size_t(nlocal));
    std::copy(lmp->domain->boxlo, lmp->domain->boxlo + 3, origin);
    box_shape(lmp->domain, h);
  }
  bool is_of_now(LAMMPS *lmp) const { return step == lmp->update->ntimestep && nlocal == lmp->atom->nlocal; }
};
Snapshot forces_before_fixes;    // of this step
Snapshot state_before_end;       // positions and box for which forces were computed: fixes can rescale them at the end of a step

}    // namespace

#endif
